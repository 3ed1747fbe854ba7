/** Sends failed jobs again, each once, and records them in a journal. */
import { codeOf } from "../../../lib/errors.ts";
import { entriesOf, ownerOf, ownersOf, partNamed } from "../job-record.ts";
import type { JobRecord } from "../job-record.ts";
import { isReadable } from "../allowed-sources.ts";
import { timeoutWithin } from "../limits.ts";
import type { JournalEntries, JournalEntry, JournalWriter, PlannedJob, PlannedPart } from "../journal-lines.ts";
import { headObject, parseS3Uri } from "../s3-objects.ts";
import { changeOf, isRequestUri, readRequest, requestType } from "../request-object.ts";
import { readRecord } from "../record-store.ts";
import { JobRecorder } from "../recorder.ts";
import type { Stack } from "../stack.ts";
import { submitPlanned } from "../submit-all.ts";
import { defaultTtlSeconds, isRefusal } from "../submit.ts";
import type { Job } from "../submit.ts";
import { contentTypeOf } from "../video-file.ts";
import { InputError } from "../errors.ts";
import { nameOf, nextIdOf } from "./redrive-id.ts";

/** A job that failed or expired, with the known facts. */
export interface FailedJob {
  readonly inferenceId: string;
  /** Location of the request; absent if a notification does not have it. The journal or the record may have it. */
  readonly inputLocation?: string | undefined;
  readonly contentType?: string | undefined;
  /** ETag that its request object states. */
  readonly etag?: string | undefined;
  /** Part of the video that the request was for, if its request object shows one. */
  readonly part?: PlannedPart | undefined;
  /** Why it cannot be sent again, in one line, as its request object shows. */
  readonly problem?: string | undefined;
  /** True if the model refused the video, and would refuse it again. */
  readonly isBadInput: boolean;
}

/** Journal of the jobs that were sent again; if it cannot be written to, nothing is sent. */
export type RedriveJournal = JournalWriter | { readonly entries: JournalEntries };

/** Outcome of sending one failed job again. */
export type ResendOutcome =
  | { readonly kind: "sent"; readonly sentAs: string; readonly inputLocation: string }
  /** It would be sent if there were a journal to write to. */
  | { readonly kind: "would-send"; readonly sentAs: string; readonly inputLocation: string }
  /** The journal or the record has it as sent, by this run or an earlier one: a duplicate, or the remains of a crash. */
  | { readonly kind: "already-sent"; readonly sentAs: string }
  /** It has been sent again so often that its video or the model must be the cause. */
  | { readonly kind: "poison"; readonly times: number }
  /** The model refused the video, and would refuse it again. */
  | { readonly kind: "bad-input" }
  /** The object is not the one that the request refers to, which the model would refuse: see `changeOf`. */
  | { readonly kind: "changed"; readonly problem: string }
  /** This run had sent it again, and it failed again: left for the next run. */
  | { readonly kind: "failed-again" }
  /** The service, or the client before it, refuses the request. */
  | { readonly kind: "refused"; readonly problem: string }
  /** The location of its video is unknown. */
  | { readonly kind: "no-input" }
  | { readonly kind: "over-limit" };

/** Options for sending again. */
export interface ResendOptions {
  /** Maximum number of jobs to send in this run. */
  readonly limit: number;
  /** Maximum number of times that a job is sent again, over all runs. */
  readonly times: number;
  /** Also sends again videos that the model refused. @default false */
  readonly includeBadInput?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with a sentence about a job that was accepted although its record cannot be kept. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** State of one run. */
export class Resender {
  readonly #stack: Stack;
  readonly #journal: RedriveJournal;
  readonly #options: ResendOptions;
  /** Jobs under way or done in this run, by the name under which they were sent. */
  readonly #runs = new Map<string, Promise<ResendOutcome>>();
  readonly #recorder: JobRecorder | undefined;
  /** Records that this run has read, by job id. */
  readonly #records = new Map<string, Promise<JobRecord | undefined>>();
  /** Properties of videos, by URI: parts share one. */
  readonly #heads = new Map<string, ReturnType<typeof headObject>>();

  constructor(stack: Stack, journal: RedriveJournal, options: ResendOptions) {
    this.#stack = stack;
    this.#journal = journal;
    this.#options = options;
    this.#recorder = JobRecorder.of(stack, { concurrency: 1, signal: options.signal, onNotice: options.onNotice });
  }

  /** Returns the number of jobs that this run may still send. */
  get left(): number {
    return Math.max(0, this.#options.limit - this.#runs.size);
  }

  /**
   * Returns what the journal or, if it does not have the job as accepted, the job's record knows.
   * @throws the SDK's error if the record cannot be read
   */
  async known(inferenceId: string): Promise<JournalEntry | undefined> {
    const own = this.#journal.entries.get(inferenceId);
    if (own?.job !== undefined) return own;
    return (await this.#recordedWith(inferenceId)).get(inferenceId) ?? own;
  }

  /** Returns the jobs in the records that may have a job. */
  async #recordedWith(inferenceId: string): Promise<JournalEntries> {
    const records = await Promise.all(ownersOf(inferenceId).map((id) => this.#recordOf(id)));
    return new Map(records.flatMap((record) => (record === undefined ? [] : [...entriesOf(record)])));
  }

  async #recordOf(id: string): Promise<JobRecord | undefined> {
    if (this.#recorder === undefined) return undefined;
    const reading = this.#records.get(id) ?? this.#readRecord(id);
    this.#records.set(id, reading);
    return await reading;
  }

  async #readRecord(id: string): Promise<JobRecord | undefined> {
    const { signal } = this.#options;
    try {
      const stored = await readRecord(this.#stack, id, signal === undefined ? {} : { abortSignal: signal });
      return stored?.record;
    } catch (error) {
      // Without the right to read it, a dry run has the journal only. Sending a job checks its record again.
      if (codeOf(error) === "AccessDenied" || error instanceof InputError) return undefined;
      throw error;
    }
  }

  /**
   * Sends a failed job again, unless it has been sent again already, or too often.
   * @throws AbortError on the caller's signal; the SDK's error if it is not transient; the journal then has the attempt,
   * and another attempt resumes under the same InferenceId
   */
  async resend(failed: FailedJob): Promise<ResendOutcome> {
    const { inferenceId } = failed;
    const known = await this.known(inferenceId);
    const recorded = await this.#recordedWith(inferenceId);
    const isKnown = known?.job !== undefined || known?.sent !== undefined;
    const place = isKnown ? failed : await this.#videoOf(failed);
    const sentAs = nextIdOf(inferenceId);
    const planned = this.#planOf(place, sentAs, known);
    const isSendable = planned !== undefined && place.problem === undefined;
    const change = isSendable ? await this.#changeOf(planned, known?.job, place.etag) : undefined;
    // From here to the entry in #runs nothing waits: two messages about one job must not both send it.
    if (this.#runs.has(inferenceId)) return { kind: "failed-again" };
    const underWay = this.#runs.get(sentAs);
    if (underWay !== undefined) {
      const outcome = await underWay;
      const isSent = outcome.kind === "sent" || outcome.kind === "would-send";
      return isSent ? { kind: "already-sent", sentAs } : outcome;
    }
    const again = this.#journal.entries.get(sentAs);
    if (again?.job !== undefined || recorded.get(sentAs)?.job !== undefined) {
      if (again !== undefined && "plan" in this.#journal) await this.#recorder?.complete(again, this.#journal);
      return { kind: "already-sent", sentAs };
    }
    const { times } = nameOf(inferenceId);
    if (times >= this.#options.times) return { kind: "poison", times };
    if (change !== undefined) return { kind: "changed", problem: change };
    if (failed.isBadInput && this.#options.includeBadInput !== true) return { kind: "bad-input" };
    if (place.problem !== undefined) return { kind: "refused", problem: place.problem };
    if (planned === undefined) return { kind: "no-input" };
    if (this.left === 0) return { kind: "over-limit" };
    const run = this.#send(planned);
    this.#runs.set(sentAs, run);
    return await run;
  }

  /**
   * Returns why a request would refer to another content of its video than the first one; undefined if it would not, or
   * if the ETag is unknown.
   * @param etag of the request object, if a notification has its location
   */
  async #changeOf(
    planned: PlannedJob & { inputLocation: string },
    job: Job | undefined,
    etag: string | undefined,
  ): Promise<string | undefined> {
    const { signal } = this.#options;
    const { outputs, s3 } = this.#stack;
    const { inputLocation: uri } = planned;
    if (outputs.requests !== "reference" || !isReadable(outputs, uri)) return undefined;
    const source = (await this.#recordOf(ownerOf(planned)))?.source;
    const stated = source?.uri === uri ? source.etag : (etag ?? (await this.#etagIn(job)));
    if (stated === null || stated === undefined) return undefined;
    const reading = this.#heads.get(uri) ?? headObject(s3, parseS3Uri(uri), { signal });
    this.#heads.set(uri, reading);
    return changeOf(uri, stated, await reading);
  }

  /** Returns the ETag that the request object of a job states; undefined if there is none. */
  async #etagIn(job: Job | undefined): Promise<string | undefined> {
    const uri = job?.requestLocation;
    if (uri === undefined || !isRequestUri(this.#stack.outputs, uri)) return undefined;
    return (await readRequest(this.#stack, uri, this.#options.signal))?.etag;
  }

  /**
   * Returns the location of a job's video if a notification has that of the request object, which refers to it. Anyone
   * who may write to the queue chooses that location, so no other object is read: the video is unknown then.
   */
  async #videoOf(failed: FailedJob): Promise<FailedJob> {
    const { inferenceId, inputLocation, contentType } = failed;
    if (contentType !== requestType || inputLocation === undefined) return failed;
    const unknown = { ...failed, inputLocation: undefined, contentType: undefined };
    if (!isRequestUri(this.#stack.outputs, inputLocation)) return unknown;
    const request = await readRequest(this.#stack, inputLocation, this.#options.signal);
    if (request === undefined) return unknown;
    const part = partNamed(inferenceId, request);
    const isWhole = request.from === 0 && request.to === null;
    const problem = "its request is for a part, but its name is none of a part's";
    const { video, etag } = request;
    return { ...unknown, inputLocation: video, etag, part, ...(isWhole || part !== undefined ? {} : { problem }) };
  }

  async #send({
    inferenceId,
    inputLocation,
    ...planned
  }: PlannedJob & { inputLocation: string }): Promise<ResendOutcome> {
    const journal = this.#journal;
    if (!("plan" in journal)) return { kind: "would-send", sentAs: inferenceId, inputLocation };
    if (!journal.entries.has(inferenceId)) {
      await journal.plan([{ inferenceId, inputLocation, ...planned }]);
    }
    const entry = journal.entries.get(inferenceId);
    try {
      const [outcome] = await submitPlanned(this.#stack, entry === undefined ? [] : [entry], {
        journal,
        signal: this.#options.signal,
        onNotice: this.#options.onNotice,
      });
      // The outcome is in the journal: the client refuses the same requests as the stack.
      if (outcome !== undefined && "problem" in outcome) return { kind: "refused", problem: outcome.problem.message };
      return { kind: "sent", sentAs: inferenceId, inputLocation };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await journal.append({ event: "refused", inferenceId, problem: error.message });
      return { kind: "refused", problem: error.message };
    }
  }

  /**
   * Returns the job as it was first sent, if its journal or record has it; a notification has no options and no time
   * limits.
   */
  #planOf(
    failed: FailedJob,
    inferenceId: string,
    known: JournalEntry | undefined,
  ): (PlannedJob & { inputLocation: string }) | undefined {
    const place = known?.job ?? known?.sent;
    const inputLocation = place?.inputLocation ?? known?.planned.inputLocation ?? failed.inputLocation;
    if (inputLocation === undefined) return undefined;
    const part = known?.planned.part ?? failed.part;
    const { ttlSeconds, timeoutSeconds, customAttributes, format } = known?.planned ?? {
      ttlSeconds: defaultTtlSeconds,
      timeoutSeconds: timeoutWithin(this.#stack.outputs),
      customAttributes: undefined,
      format: undefined,
    };
    return {
      inferenceId,
      endpointName: this.#stack.outputs.endpointName,
      inputLocation,
      contentType:
        place?.contentType ?? known?.planned.contentType ?? failed.contentType ?? contentTypeOf(inputLocation),
      ttlSeconds,
      timeoutSeconds,
      ...(customAttributes === undefined ? {} : { customAttributes }),
      ...(format === undefined ? {} : { format }),
      ...(part === undefined ? {} : { part }),
    };
  }
}
