/** One asynchronous invocation as it travels from the runtime through the queue to an instance. */

import type { InvocationRequest } from "../../core/worker.ts";
import type { S3Location } from "../../s3-location.ts";

/** What the model answered in a run. */
export interface ModelAnswer {
  readonly contentType: string | undefined;
  /** Absent where it is longer than anyone needs here: a result than a notification takes, an error than a failure object does. */
  readonly body: Uint8Array | undefined;
}

/** A place in S3 that the endpoint writes to. */
export interface OutputPlace extends S3Location {
  /** OutputConfig.KmsKeyId */
  readonly kmsKeyId: string | undefined;
}

export interface Invocation extends InvocationRequest {
  readonly input: S3Location;
  /** The caller's spelling of `input`, for notifications. */
  readonly inputLocation: string;
  readonly output: OutputPlace;
  /** Absent without S3FailurePath. */
  readonly failure: OutputPlace | undefined;
  readonly contentType: string | undefined;
  readonly accept: string | undefined;
  readonly customAttributes: string | undefined;
  /** Set by the instance at the end of each run in which the model answered. */
  answer: ModelAnswer | undefined;
}

/** Answers up to this size, in bytes, are embedded in notifications where IncludeInferenceResponseIn asks for it. Source: API reference, AsyncInferenceNotificationConfig. */
export const embeddedResponseLimit = 128 * 1024;
