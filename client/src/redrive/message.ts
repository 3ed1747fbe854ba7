/** Reads a message of the error queue: a failure, or something else. */
import { z } from "zod";

/** Prefix of the smoke test's jobs: they fail on purpose, or their results are not needed. */
export const smokePrefix = "smoke-";

/**
 * Schema of a notification, as far as it is certain (developer guide, "Check prediction results"): a failure has no
 * responseParameters, may have no contentType, and every member except InferenceId and status may be missing.
 */
const notificationSchema = z.object({
  inferenceId: z.string().min(1),
  invocationStatus: z.string(),
  failureReason: z.string().optional(),
  requestParameters: z
    .object({ inputLocation: z.string().startsWith("s3://").optional(), contentType: z.string().min(1).optional() })
    .optional(),
});

/** SNS's envelope, if a subscription does not deliver raw messages. */
const envelopeSchema = z.object({ Type: z.literal("Notification"), Message: z.string() });

/** SageMaker sends TestNotifications on every change of the endpoint, including scaling; they concern no job. */
const testSchema = z.object({ eventName: z.literal("TestNotification") });

/** A job that failed. */
export interface Failure {
  readonly kind: "failure";
  readonly inferenceId: string;
  /** Location of the request: the video, or the object that refers to it. Some notifications do not have it. */
  readonly inputLocation: string | undefined;
  readonly contentType: string | undefined;
  readonly reason: string | undefined;
}

/** A parsed message. */
export type ErrorMessage =
  | Failure
  /** From a job of the smoke test. */
  | { readonly kind: "smoke" }
  | { readonly kind: "test" }
  /** Nothing that SageMaker sends to an error topic. */
  | { readonly kind: "unreadable" };

/** Parses a message's body; never throws. */
export function readMessage(body: string): ErrorMessage {
  const value = parse(body);
  const envelope = envelopeSchema.safeParse(value);
  if (envelope.success) return readMessage(envelope.data.Message);
  if (testSchema.safeParse(value).success) return { kind: "test" };
  const notification = notificationSchema.safeParse(value);
  if (!notification.success) return { kind: "unreadable" };
  const { inferenceId, invocationStatus, failureReason, requestParameters } = notification.data;
  if (inferenceId.startsWith(smokePrefix)) return { kind: "smoke" };
  if (invocationStatus === "Completed") return { kind: "unreadable" };
  return {
    kind: "failure",
    inferenceId,
    inputLocation: requestParameters?.inputLocation,
    contentType: requestParameters?.contentType,
    reason: failureReason,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
