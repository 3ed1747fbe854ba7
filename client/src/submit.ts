/** Submits one job with InvokeEndpointAsync and records the answer. */
import { randomBytes } from "node:crypto";
import { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { InputError, ServiceAnswerError } from "./errors.ts";
import { timeoutWithin } from "./limits.ts";
import { checkLocation } from "./allowed-sources.ts";
import type { PlannedPart } from "./journal-lines.ts";
import { acceptOf, withTimeout } from "./model-options.ts";
import type { ResultFormat } from "./model-options.ts";
import { retried } from "./poll.ts";
import { requestType, storeRequest } from "./request-object.ts";
import type { Stack } from "./stack.ts";
import { checkContentType } from "./video-file.ts";

/** AWS's default for the time that a request may wait in the queue, seconds (RequestTTLSeconds, 60..21600). */
export const defaultTtlSeconds = 21_600;

/** A job that the service has accepted: plain data that can be stored as JSON and used later. */
export const jobSchema = z.object({
  inferenceId: z.string().min(1),
  endpointName: z.string().min(1),
  /** s3:// URI of the video. */
  inputLocation: z.string().startsWith("s3://"),
  /** Media type of the video. */
  contentType: z.string().min(1),
  /** s3:// URI of the request object that refers to the video; absent if the video is the request's body. */
  requestLocation: z.string().startsWith("s3://").optional(),
  /** Location of the result, from the service's answer. */
  outputLocation: z.string().startsWith("s3://"),
  /** Location of a failure, from the service's answer; some answers lack it. */
  failureLocation: z.string().startsWith("s3://").optional(),
  /** Time of acceptance on the service's clock. */
  submittedAt: z.iso.datetime(),
  ttlSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  /** The model's options, in the handler's grammar. */
  customAttributes: z.string().min(1).optional(),
  /**
   * Number of tries of the call: after more than one the service may have the job twice, because it does not
   * de-duplicate.
   */
  attempts: z.int().positive(),
});

/** A job that the service has accepted. */
export type Job = Readonly<z.infer<typeof jobSchema>>;

/** Options of one job. */
export interface JobOptions {
  /** The caller's name for the job, unique, printable, at most 64 characters. @default a random one */
  readonly inferenceId?: string | undefined;
  /** Seconds it may wait in the queue, 60..21600. @default 21600 */
  readonly ttlSeconds?: number | undefined;
  /** Time limit of one run, seconds, up to the stack's `invocationTimeout`. @default the stack's */
  readonly timeoutSeconds?: number | undefined;
  /**
   * Options for the model: see `customAttributesOf`. The run's time limit is added; the limit of 1024 characters
   * includes it.
   */
  readonly customAttributes?: string | undefined;
  /** Format of the result in S3. @default json */
  readonly format?: ResultFormat | undefined;
}

/** Key of a result below the stack's prefix of results (API reference, InvokeEndpointAsync). */
export interface OutputName {
  /** Folder. */
  readonly S3OutputPathExtension: string;
  readonly Filename: string;
}

/** Parameters of one call. */
export interface Invocation extends JobOptions {
  /** s3:// URI of the video. */
  readonly inputLocation: string;
  /** Media type of the video. */
  readonly contentType: string;
  /** ETag of the video, with its quotes, for a request that refers to it. @default the object's current one */
  readonly etag?: string | undefined;
  /** Part of the video that is processed; only for requests by reference. @default the whole video */
  readonly part?: PlannedPart | undefined;
  /** @default a key that the service chooses */
  readonly output?: OutputName | undefined;
  /** Number of earlier calls for this job whose outcome is unknown. @default 0 */
  readonly attemptsBefore?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the service's problem while the call is retried. */
  readonly onProblem?: ((problem: string) => void) | undefined;
}

/** Returns a unique name for a job: 96 random bits, so that it is a job id, of up to 32 characters, too. */
export function newInferenceId(): string {
  return `video-${randomBytes(12).toString("hex")}`;
}

/** Retry budget for throttling and transient errors, on top of the SDK's tries, real seconds. */
const defaultRetryBudgetSeconds = 300;

/** Real seconds for all tries of one call: the retry budget, and the SDK's tries before and after it. */
const defaultLimitSeconds = 2 * defaultRetryBudgetSeconds;

/** Real seconds for which a write of the request object is retried after transient errors, and for all tries. */
const requestBudget = { retryBudgetSeconds: 60, limitSeconds: 120 };

/** Time that a call under way may take after the caller's signal, ms: its answer avoids sending the job again. */
const graceMs = 5_000;

/**
 * Submits one video that is in S3 to the endpoint, by a request that refers to it if the stack has such requests,
 * otherwise as the body of the request. Throttling and transient errors are retried with the same
 * InferenceId; the job counts once, for any number of tries. After the caller's signal a call under way has a few
 * seconds to be answered.
 * @throws InputError if the content type is a form's, the run is longer than the stack allows, the endpoint may not
 * read the video's location, the ETag of the video cannot be read, or the stack has no requests for parts; AbortError on the caller's signal; the SDK's error if the service refuses;
 * ServiceAnswerError if its answer has no location of the result
 */
export async function invoke(stack: Stack, invocation: Invocation): Promise<Job> {
  const { inputLocation, contentType, customAttributes, signal, onProblem } = invocation;
  const inferenceId = invocation.inferenceId ?? newInferenceId();
  const ttlSeconds = invocation.ttlSeconds ?? defaultTtlSeconds;
  const timeoutSeconds = timeoutWithin(stack.outputs, invocation.timeoutSeconds);
  checkContentType(inputLocation, contentType);
  checkLocation(stack.outputs, inputLocation);
  const { etag, part } = invocation;
  if (part !== undefined && stack.outputs.requests !== "reference") {
    throw new InputError(
      `Job ${inferenceId} is for a part of ${inputLocation}, but with requests: ${stack.outputs.requests} the model gets the whole video: set requests to reference and deploy.`,
    );
  }
  const budget = { limitSeconds: defaultLimitSeconds, retryBudgetSeconds: defaultRetryBudgetSeconds };
  const reference = { inferenceId, video: inputLocation, etag, ...(part === undefined ? {} : { part }) };
  const requestLocation =
    stack.outputs.requests === "reference"
      ? await retried(() => storeRequest(stack, reference, signal), { signal, onProblem, ...requestBudget })
      : undefined;
  const command = new InvokeEndpointAsyncCommand({
    EndpointName: stack.outputs.endpointName,
    InputLocation: requestLocation ?? inputLocation,
    ContentType: requestLocation === undefined ? contentType : requestType,
    Accept: acceptOf(invocation.format),
    InferenceId: inferenceId,
    RequestTTLSeconds: ttlSeconds,
    InvocationTimeoutSeconds: timeoutSeconds,
    CustomAttributes: withTimeout(customAttributes, timeoutSeconds),
    ...invocation.output,
  });
  let attempts = invocation.attemptsBefore ?? 0;
  using grace = graceAfter(signal);
  const answer = await retried(
    async () => {
      try {
        const accepted = await stack.runtime.send(command, grace.options);
        attempts += accepted.$metadata.attempts ?? 1;
        return accepted;
      } catch (error) {
        attempts += attemptsOf(error);
        throw error;
      }
    },
    { signal, onProblem, ...budget },
  );
  if (answer.OutputLocation === undefined) {
    throw new ServiceAnswerError(`SageMaker accepted job ${inferenceId} without the location of its result.`);
  }
  // The answer's Date header, which was just read.
  const submittedAt = await stack.clock.now(5);
  return {
    inferenceId,
    endpointName: stack.outputs.endpointName,
    inputLocation,
    contentType,
    ...(requestLocation === undefined ? {} : { requestLocation }),
    outputLocation: answer.OutputLocation,
    ...(answer.FailureLocation === undefined ? {} : { failureLocation: answer.FailureLocation }),
    submittedAt: submittedAt.toISOString(),
    ttlSeconds,
    timeoutSeconds,
    ...(customAttributes === undefined ? {} : { customAttributes }),
    attempts,
  };
}

/** Returns a signal that follows the caller's, if there is one, after {@link graceMs}. */
export function graceAfter(
  signal: AbortSignal | undefined,
): { readonly options: { abortSignal?: AbortSignal } } & Disposable {
  if (signal === undefined) return { options: {}, [Symbol.dispose]: () => undefined };
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const follow = (): void => {
    timer = setTimeout(() => {
      controller.abort();
    }, graceMs);
  };
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true });
  return {
    options: { abortSignal: controller.signal },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", follow);
    },
  };
}

/** The service's codes for an invalid request. */
const refusals = ["ValidationError", "ValidationException"];

/** Tells whether the service refused the request itself, so that it has no job. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && refusals.includes(codeOf(error));
}

/** Returns the number of tries that the SDK made before it gave up. */
function attemptsOf(error: unknown): number {
  const metadata = error instanceof Error && "$metadata" in error ? error.$metadata : undefined;
  const attempts = typeof metadata === "object" && metadata !== null && "attempts" in metadata ? metadata.attempts : 1;
  return typeof attempts === "number" ? attempts : 1;
}
