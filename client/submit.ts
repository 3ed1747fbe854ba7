/** Submits one job: the call to InvokeEndpointAsync and the record of what it answered. */
import { randomUUID } from "node:crypto";
import { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { z } from "zod";
import { ServiceAnswerError } from "./errors.ts";
import type { Stack } from "./stack.ts";

/** AWS's default for how long a request may wait in the queue, seconds (RequestTTLSeconds, 60..21600). */
const DEFAULT_TTL_SECONDS = 21_600;
/** AWS's default for how long one run may take, seconds (InvocationTimeoutSeconds, 1..3600). */
const DEFAULT_TIMEOUT_SECONDS = 900;

/** A job that the service has accepted: plain data that can be written down as JSON and taken up again later. */
export const jobSchema = z.object({
  inferenceId: z.string().min(1),
  endpointName: z.string().min(1),
  /** s3:// URI of the video. */
  inputLocation: z.string().startsWith("s3://"),
  contentType: z.string().min(1),
  /** Where the service said that the result will be. */
  outputLocation: z.string().startsWith("s3://"),
  /** Where the service said that a failure will be; some answers lack it. */
  failureLocation: z.string().startsWith("s3://").optional(),
  /** Moment of acceptance on the service's clock. */
  submittedAt: z.iso.datetime(),
  ttlSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  /** Tries that the call took: after more than one the service may hold the job twice, as it does not de-duplicate. */
  attempts: z.int().positive(),
});

/** A job that the service has accepted. */
export type Job = Readonly<z.infer<typeof jobSchema>>;

/** What to submit. */
export interface Invocation {
  /** s3:// URI of the video. */
  readonly inputLocation: string;
  /** Media type handed to the model. */
  readonly contentType: string;
  /** The caller's name for the job, unique, printable, at most 64 characters. @default a random one */
  readonly inferenceId?: string | undefined;
  /** Seconds it may wait in the queue, 60..21600. @default 21600 */
  readonly ttlSeconds?: number | undefined;
  /** Seconds one run may take, 1..3600. @default 900 */
  readonly timeoutSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Hands one video that is in S3 to the endpoint. Throttling and passing errors are retried with the same InferenceId; the
 * job counts once, whatever the number of tries.
 * @throws the SDK's error if the service refuses, ServiceAnswerError if its answer does not say where the result will be
 */
export async function invoke(stack: Stack, invocation: Invocation): Promise<Job> {
  const inferenceId = invocation.inferenceId ?? `video-${randomUUID()}`;
  const ttlSeconds = invocation.ttlSeconds ?? DEFAULT_TTL_SECONDS;
  const timeoutSeconds = invocation.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const answer = await stack.runtime.send(
    new InvokeEndpointAsyncCommand({
      EndpointName: stack.outputs.endpointName,
      InputLocation: invocation.inputLocation,
      ContentType: invocation.contentType,
      Accept: "application/json",
      InferenceId: inferenceId,
      RequestTTLSeconds: ttlSeconds,
      InvocationTimeoutSeconds: timeoutSeconds,
    }),
    invocation.signal === undefined ? {} : { abortSignal: invocation.signal },
  );
  if (answer.OutputLocation === undefined) {
    throw new ServiceAnswerError(`SageMaker accepted job ${inferenceId} without saying where its result will be.`);
  }
  // The answer's own Date: it was read a moment ago.
  const submittedAt = await stack.clock.now(5);
  return {
    inferenceId: answer.InferenceId ?? inferenceId,
    endpointName: stack.outputs.endpointName,
    inputLocation: invocation.inputLocation,
    contentType: invocation.contentType,
    outputLocation: answer.OutputLocation,
    ...(answer.FailureLocation === undefined ? {} : { failureLocation: answer.FailureLocation }),
    submittedAt: submittedAt.toISOString(),
    ttlSeconds,
    timeoutSeconds,
    attempts: answer.$metadata.attempts ?? 1,
  };
}
