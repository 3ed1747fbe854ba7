/** One asynchronous invocation on its way from the runtime through the queue to an instance. */

import type { InvocationRequest } from "../../core/worker.ts";
import type { S3Location } from "../../s3-location.ts";

/** The model's answer in a run. */
export interface ModelAnswer {
  readonly contentType: string | undefined;
  /**
   * Absent if it is longer than needed: a result that exceeds a notification's limit, an error that exceeds a failure
   * object's.
   */
  readonly body: Uint8Array | undefined;
}

/** A location in S3 that the endpoint writes to. */
export interface OutputPlace extends S3Location {
  /** OutputConfig.KmsKeyId */
  readonly kmsKeyId: string | undefined;
}

/** An accepted invocation. */
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

/**
 * Maximum size in bytes of answers that notifications embed if IncludeInferenceResponseIn requests it. Source: API
 * reference, AsyncInferenceNotificationConfig.
 */
export const embeddedResponseLimit = 128 * 1024;
