/** Messages that an endpoint publishes to its topics. */

import type { Settlement } from "../../core/endpoint-api.ts";
import { formatS3Location } from "../../s3-location.ts";
import { embeddedResponseLimit } from "./invocation.ts";
import type { Invocation, ModelAnswer } from "./invocation.ts";

/** Values that every notification of an endpoint contains. */
export interface NotificationContext {
  readonly region: string;
  readonly endpointName: string;
  readonly now: Date;
  /** True if IncludeInferenceResponseIn names the topic of this message. */
  readonly includeResponse: boolean;
}

/**
 * Describes a request's end. Format: developer guide, "Check prediction results", and messages in public repositories.
 */
export function resultNotification(
  invocation: Invocation,
  settlement: Settlement,
  { region, endpointName, now, includeResponse }: NotificationContext,
): string {
  const completed = settlement.status === "completed";
  return JSON.stringify({
    awsRegion: region,
    eventTime: now.toISOString(),
    receivedTime: new Date(invocation.receivedAt).toISOString(),
    invocationStatus: completed ? "Completed" : "Failed",
    failureReason: completed ? undefined : settlement.reason,
    requestParameters: {
      accept: invocation.accept,
      contentType: invocation.contentType,
      endpointName,
      inputLocation: invocation.inputLocation,
    },
    responseParameters: completed
      ? { contentType: invocation.answer?.contentType, outputLocation: formatS3Location(invocation.output) }
      : undefined,
    responseBody: includeResponse ? embedded(invocation.answer) : undefined,
    inferenceId: invocation.inferenceId,
    eventVersion: "1.0",
    eventSource: "aws:sagemaker",
    eventName: "InferenceResult",
  });
}

/** Message that tests the topics. Source: developer guide, "Create an Asynchronous Inference Endpoint". */
export const testNotification = JSON.stringify({
  eventVersion: "1.0",
  eventSource: "aws:sagemaker",
  eventName: "TestNotification",
});

function embedded(answer: ModelAnswer | undefined): object | undefined {
  const body = answer?.body;
  if (body === undefined || body.byteLength > embeddedResponseLimit) return undefined;
  return { content: Buffer.from(body).toString("base64"), encoding: "BASE64" };
}
