/** What a message of the error queue is: a failure, or something that has no business there. */
import { z } from "zod";

/** The smoke test's jobs are called so: they are to fail, or have nobody who waits for them. */
export const SMOKE_PREFIX = "smoke-";

/**
 * A notification, as far as it is certain (developer guide, "Check prediction results"): a failure has no responseParameters,
 * may have no contentType, and everything beyond InferenceId and status may be missing.
 */
const notificationSchema = z.object({
  inferenceId: z.string().min(1),
  invocationStatus: z.string(),
  failureReason: z.string().optional(),
  requestParameters: z
    .object({ inputLocation: z.string().startsWith("s3://").optional(), contentType: z.string().min(1).optional() })
    .optional(),
});

/** SNS's own wrapping, where a subscription does not deliver raw messages. */
const envelopeSchema = z.object({ Type: z.literal("Notification"), Message: z.string() });

/** TestNotifications come with every change of the endpoint, the autoscaler's among them, and tell of no job. */
const testSchema = z.object({ eventName: z.literal("TestNotification") });

/** A job that failed. */
export interface Failure {
  readonly kind: "failure";
  readonly inferenceId: string;
  /** Where the video is; some notifications do not say. */
  readonly inputLocation: string | undefined;
  readonly contentType: string | undefined;
  readonly reason: string | undefined;
}

/** A message, read. */
export type ErrorMessage =
  | Failure
  /** Of a job of the smoke test. */
  | { readonly kind: "smoke" }
  | { readonly kind: "test" }
  /** Nothing that SageMaker sends to an error topic. */
  | { readonly kind: "unreadable" };

/** Reads a message's body; never throws. */
export function readMessage(body: string): ErrorMessage {
  const value = parse(body);
  const envelope = envelopeSchema.safeParse(value);
  if (envelope.success) return readMessage(envelope.data.Message);
  if (testSchema.safeParse(value).success) return { kind: "test" };
  const notification = notificationSchema.safeParse(value);
  if (!notification.success) return { kind: "unreadable" };
  const { inferenceId, invocationStatus, failureReason, requestParameters } = notification.data;
  if (inferenceId.startsWith(SMOKE_PREFIX)) return { kind: "smoke" };
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
