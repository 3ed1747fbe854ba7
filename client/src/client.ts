/** The client of one stack: submits videos, follows their jobs, fetches their results. */
import { checkEndpoint } from "./endpoint.ts";
import { asClientError, InputError, NoResultError } from "./errors.ts";
import { plural } from "./format.ts";
import { JobJournal } from "./journal.ts";
import { customAttributesOf } from "./model-options.ts";
import type { ModelOptions, ResultFormat } from "./model-options.ts";
import { checkOutputs } from "./outputs.ts";
import type { StackOutputs } from "./outputs.ts";
import type { PollOptions } from "./poll.ts";
import { defaultJobsPerRun, defaultResends, redriveQueue } from "./redrive/redrive.ts";
import type { Outcome as RedriveOutcome, RedriveOptions as QueueOptions } from "./redrive/redrive.ts";
import { fetchResult } from "./result.ts";
import type { VideoResult } from "./result.ts";
import { findVideos } from "./find-videos.ts";
import { connect, openStack } from "./stack.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";
import { submitAll } from "./submit-all.ts";
import type { Submission, SubmissionProgress } from "./submit-all.ts";
import { checkJob, waitForJob } from "./wait.ts";
import type { JobState } from "./wait.ts";
import { codeOf } from "../../lib/errors.ts";

/** The stack to connect to: one of the two. */
export type ConnectOptions =
  /** Name of a stack of the Pulumi project in the current folder; `local` is the stack of the emulator. */
  | { readonly stack: string }
  /** Output of `pulumi stack output --json`: the path of a file, or the parsed object. */
  | { readonly outputs: string | Readonly<Record<string, unknown>> };

/** Options for one video; each has the stack's or the deployed model's default. */
export interface SubmitVideoOptions
  extends ModelOptions, Pick<Submission, "contentType" | "inferenceId" | "timeoutSeconds" | "ttlSeconds"> {
  /** Format of the result in S3; {@link Client.result} reads each. @default json */
  readonly format?: ResultFormat | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SubmissionProgress) => void) | undefined;
}

/** Options for a redrive. */
export interface RedriveOptions extends Partial<QueueOptions> {
  /** Path of the journal of the jobs that are sent again; created if missing. All redrives of a queue must share it. */
  readonly journal: string;
}

/**
 * A connection to one stack. Close it when done, or declare it with `using`. Each method throws a `ClientError`, or the
 * reason of the caller's signal.
 */
export class Client implements Disposable {
  readonly #stack: Stack;

  private constructor(stack: Stack) {
    this.#stack = stack;
  }

  /**
   * Reads a stack's outputs and connects to it; makes no AWS call.
   * @throws SetupError if there is no such stack or its outputs are not valid
   */
  static async connect(options: ConnectOptions): Promise<Client> {
    if ("stack" in options) return new Client(await openStack({ stack: options.stack }));
    const { outputs } = options;
    if (typeof outputs === "string") return new Client(await openStack({ outputs }));
    return new Client(connect(checkOutputs(outputs, "The stack's outputs")));
  }

  /** The stack's outputs. */
  get outputs(): StackOutputs {
    return this.#stack.outputs;
  }

  /**
   * Uploads one video, unless S3 has it already, and submits it to the endpoint.
   * @param video a file's path, or an object's s3:// URI
   * @returns the accepted job: plain data that can be stored as JSON
   * @throws InputError if the video cannot be sent; SetupError if an option is out of range, or the endpoint does not
   * accept videos; AwsError if AWS refuses or does not answer
   */
  async submit(video: string, options: SubmitVideoOptions = {}): Promise<Job> {
    const { format, contentType, inferenceId, ttlSeconds, timeoutSeconds, signal, onProgress } = options;
    return await translated(async () => {
      const customAttributes = customAttributesOf(options);
      const { videos } = await findVideos(this.#stack, [video], signal);
      const [found, ...others] = videos;
      if (found === undefined || others.length > 0) {
        throw new InputError(`${video} contains ${plural(videos.length, "video")}: submit each of them.`);
      }
      await checkEndpoint(this.#stack, signal);
      const submission = { contentType: contentType ?? found.contentType, customAttributes, format, inferenceId };
      const [outcome] = await submitAll(
        this.#stack,
        [{ video: found.video, ...submission, ttlSeconds, timeoutSeconds }],
        { signal, onProgress },
      );
      if (outcome === undefined || "problem" in outcome)
        throw outcome?.problem ?? new InputError(`${video} was not sent.`);
      return outcome.job;
    });
  }

  /**
   * Reads a job's status once.
   * @throws AwsError if a location cannot be read
   */
  async status(job: Job, signal?: AbortSignal): Promise<JobState> {
    return await translated(() => checkJob(this.#stack, job, signal));
  }

  /**
   * Waits until a job has completed, failed or expired. With `limitSeconds` (real seconds) the job may still be pending.
   * @throws AwsError if a location cannot be read
   */
  async wait(job: Job, options: PollOptions<JobState> = {}): Promise<JobState> {
    return await translated(() => waitForJob(this.#stack, job, options));
  }

  /**
   * Fetches a completed job's result and checks it against the model's schema.
   * @throws NoResultError if there is none; ServiceAnswerError if it is not valid, or larger than the stack allows;
   * AwsError if it cannot be read
   */
  async result(job: Job, signal?: AbortSignal): Promise<VideoResult> {
    return await translated(async () => {
      try {
        return await fetchResult(this.#stack, job, signal);
      } catch (error) {
        if (codeOf(error) !== "NoSuchKey") throw error;
        throw new NoResultError(
          `Job ${job.inferenceId} has no result at ${job.outputLocation}: it has not completed, or a lifecycle rule has removed the result.`,
        );
      }
    });
  }

  /**
   * Sends each failed job of the error queue again, once, and returns the outcome of each message.
   * @throws SetupError if the journal cannot be used; AwsError if queue or endpoint refuse
   */
  async redrive({ journal: file, onOutcome, ...options }: RedriveOptions): Promise<readonly RedriveOutcome[]> {
    return await translated(async () => {
      const outcomes: RedriveOutcome[] = [];
      await checkEndpoint(this.#stack, options.signal);
      await using journal = await JobJournal.openOrCreate(file, { acceptIncomplete: true });
      await redriveQueue(this.#stack, journal, {
        ...options,
        limit: options.limit ?? defaultJobsPerRun,
        times: options.times ?? defaultResends,
        onOutcome: (outcome) => {
          outcomes.push(outcome);
          onOutcome?.(outcome);
        },
      });
      return outcomes;
    });
  }

  /** Closes the connections. */
  close(): void {
    this.#stack.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Does the work.
 * @throws a {@link ClientError} for an error of the file system, of AWS or of the network
 */
async function translated<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw asClientError(error);
  }
}
