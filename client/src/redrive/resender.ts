/** Sends failed jobs again, each once, by way of a manifest that remembers it. */
import { codeOf } from "../errors.ts";
import { timeoutWithin } from "../limits.ts";
import { Manifest } from "../manifest.ts";
import type { ManifestEntries, PlannedJob } from "../manifest-lines.ts";
import type { Stack } from "../stack.ts";
import { submitPlanned } from "../submit-all.ts";
import { DEFAULT_TTL_SECONDS } from "../submit.ts";
import { contentTypeOf } from "../video-file.ts";
import { nameOf, nextIdOf } from "./redrive-id.ts";

/** A job that failed or expired, as far as it is known. */
export interface FailedJob {
  readonly inferenceId: string;
  /** Absent where a notification does not say; the manifest may know. */
  readonly inputLocation?: string | undefined;
  readonly contentType?: string | undefined;
  /** Whether the model refused the video, and would again. */
  readonly isBadInput: boolean;
}

/** Where jobs that were sent again are remembered; without a manifest to write to, nothing is sent. */
export type Ledger = Manifest | { readonly entries: ManifestEntries };

/** What became of one failed job. */
export type Verdict =
  | { readonly kind: "sent"; readonly sentAs: string; readonly inputLocation: string }
  /** It would be sent, if there were a manifest to write to. */
  | { readonly kind: "would-send"; readonly sentAs: string; readonly inputLocation: string }
  /** The manifest has it as sent, by this run or an earlier one: a duplicate, or what a crash left. */
  | { readonly kind: "already-sent"; readonly sentAs: string }
  /** It has been sent again so often that its video or the model must be at fault. */
  | { readonly kind: "poison"; readonly times: number }
  /** The model refused the video, and would again. */
  | { readonly kind: "bad-input" }
  /** This run had sent it again, and it failed again: the next run's business. */
  | { readonly kind: "failed-again" }
  /** The service, or the client before it, refuses it as it is. */
  | { readonly kind: "refused"; readonly problem: string }
  /** Nobody knows where its video is. */
  | { readonly kind: "no-input" }
  | { readonly kind: "over-limit" };

/** How to send again. */
export interface ResendOptions {
  /** Jobs to send in this run at most. */
  readonly limit: number;
  /** How often a job is sent again at most, over all runs. */
  readonly times: number;
  /** Whether to send again what the model refused. @default false */
  readonly includeBadInput?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The service's codes for a request that is wrong by itself. */
const refusals = ["ValidationError", "ValidationException"];

/** One run's memory. */
export class Resender {
  readonly #stack: Stack;
  readonly #manifest: Ledger;
  readonly #options: ResendOptions;
  /** Under way or done in this run, by the name under which they were sent. */
  readonly #runs = new Map<string, Promise<Verdict>>();

  constructor(stack: Stack, manifest: Ledger, options: ResendOptions) {
    this.#stack = stack;
    this.#manifest = manifest;
    this.#options = options;
  }

  /** Jobs that this run may still send. */
  get left(): number {
    return Math.max(0, this.#options.limit - this.#runs.size);
  }

  /**
   * Sends a failed job again, unless it has been, or too often.
   * @throws AbortError on the caller's signal; the SDK's error for what does not pass by itself; the manifest then has the
   * intent, and another attempt goes on under the same InferenceId
   */
  async resend(failed: FailedJob): Promise<Verdict> {
    const { inferenceId } = failed;
    if (this.#runs.has(inferenceId)) return { kind: "failed-again" };
    const sentAs = nextIdOf(inferenceId);
    const underWay = this.#runs.get(sentAs);
    if (underWay !== undefined) {
      const verdict = await underWay;
      const isSent = verdict.kind === "sent" || verdict.kind === "would-send";
      return isSent ? { kind: "already-sent", sentAs } : verdict;
    }
    if (this.#manifest.entries.get(sentAs)?.job !== undefined) return { kind: "already-sent", sentAs };
    const { times } = nameOf(inferenceId);
    if (times >= this.#options.times) return { kind: "poison", times };
    if (failed.isBadInput && this.#options.includeBadInput !== true) return { kind: "bad-input" };
    const planned = this.#planOf(failed, sentAs);
    if (planned === undefined) return { kind: "no-input" };
    if (this.left === 0) return { kind: "over-limit" };
    const run = this.#send(planned);
    this.#runs.set(sentAs, run);
    return await run;
  }

  async #send({ inferenceId, inputLocation, ...planned }: PlannedJob & { inputLocation: string }): Promise<Verdict> {
    const manifest = this.#manifest;
    if (!(manifest instanceof Manifest)) return { kind: "would-send", sentAs: inferenceId, inputLocation };
    if (!manifest.entries.has(inferenceId)) {
      await manifest.plan([{ inferenceId, inputLocation, ...planned }]);
    }
    const entry = manifest.entries.get(inferenceId);
    try {
      const [outcome] = await submitPlanned(this.#stack, entry === undefined ? [] : [entry], {
        manifest,
        signal: this.#options.signal,
      });
      // The manifest has it: the client refuses what the stack would.
      if (outcome !== undefined && "problem" in outcome) return { kind: "refused", problem: outcome.problem.message };
      return { kind: "sent", sentAs: inferenceId, inputLocation };
    } catch (error) {
      if (!(error instanceof Error) || !refusals.includes(codeOf(error))) throw error;
      await manifest.append({ event: "refused", inferenceId, problem: error.message });
      return { kind: "refused", problem: error.message };
    }
  }

  /** The job as it was sent at first, where the manifest has it; a notification does not tell of options and time limits. */
  #planOf(failed: FailedJob, inferenceId: string): (PlannedJob & { inputLocation: string }) | undefined {
    const known = this.#manifest.entries.get(failed.inferenceId);
    const place = known?.job ?? known?.sent;
    const inputLocation = place?.inputLocation ?? failed.inputLocation;
    if (inputLocation === undefined) return undefined;
    const { ttlSeconds, timeoutSeconds, customAttributes, format } = known?.planned ?? {
      ttlSeconds: DEFAULT_TTL_SECONDS,
      timeoutSeconds: timeoutWithin(this.#stack.outputs),
      customAttributes: undefined,
      format: undefined,
    };
    return {
      inferenceId,
      endpointName: this.#stack.outputs.endpointName,
      inputLocation,
      contentType: place?.contentType ?? failed.contentType ?? contentTypeOf(inputLocation),
      ttlSeconds,
      timeoutSeconds,
      ...(customAttributes === undefined ? {} : { customAttributes }),
      ...(format === undefined ? {} : { format }),
    };
  }
}
