/** Keeps the records of the jobs that a submission sends: one write before each call, and one after it. */
import { basename } from "node:path";
import { InputError, isPassing } from "./errors.ts";
import { accepted, checkOwner, entriesOf, newRecord, ownerOf, sending, withInvocation } from "./job-record.ts";
import type { JobInvocation, JobRecord, JobSource } from "./job-record.ts";
import type { JournalEntry, JournalWriter, PlannedJob } from "./journal-lines.ts";
import { bucketOf, headObject, parseS3Uri } from "./s3-objects.ts";
import type { ObjectHead } from "./s3-objects.ts";
import { inParallel, limiter } from "./parallel.ts";
import { retried } from "./poll.ts";
import { changeOf } from "./request-object.ts";
import { saveRecord } from "./record-store.ts";
import type { RequestOptions, StoredRecord } from "./record-store.ts";
import type { Stack } from "./stack.ts";
import { graceAfter } from "./submit.ts";
import type { Job } from "./submit.ts";
import type { UploadedVideo } from "./upload.ts";

/** Video of a job as it is about to be sent. */
export interface SentVideo {
  readonly inputLocation: string;
  readonly contentType: string;
  /** Of a file that was uploaded in this run. */
  readonly uploaded?: UploadedVideo;
}

/** A record before the call. */
export interface BegunRecord {
  readonly stored: StoredRecord;
  /** The job, if the record shows that an earlier call was accepted. */
  readonly job: Job | undefined;
}

/** Options for {@link JobRecorder}. */
export interface RecorderOptions {
  /** Concurrent requests for records, in addition to uploads and calls. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with a sentence about a job that was accepted although its record cannot be kept. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** Real seconds for which a write is retried after transient errors, on top of the SDK's tries, and for all tries. */
const budget = { retryBudgetSeconds: 120, limitSeconds: 240 };

/** Number of records of a journal that are completed at a time. */
const recordsAtOnce = 8;

/** Records of a submission's jobs. */
export class JobRecorder {
  readonly #stack: Stack;
  readonly #signal: AbortSignal | undefined;
  readonly #onNotice: ((notice: string) => void) | undefined;
  readonly #limited: ReturnType<typeof limiter>;
  /** Properties of objects that are used in place, by URI: a burst reads one object many times. */
  readonly #heads = new Map<string, ReturnType<typeof headObject>>();

  /** Records that the parts of a job share, as they were last written, by job id. */
  readonly #shared = new Map<string, { limited: ReturnType<typeof limiter>; stored: StoredRecord | undefined }>();

  private constructor(stack: Stack, { concurrency, signal, onNotice }: RecorderOptions) {
    this.#stack = stack;
    this.#signal = signal;
    this.#onNotice = onNotice;
    this.#limited = limiter(concurrency);
  }

  /** Returns a recorder; undefined if an earlier version of the program deployed the stack, without records. */
  static of(stack: Stack, options: RecorderOptions): JobRecorder | undefined {
    return stack.outputs.jobsLocation === undefined ? undefined : new JobRecorder(stack, options);
  }

  /**
   * Writes before the first call that the job is about to be sent.
   * @param all the requests for all parts of the video that are about to be sent, in their order: one write serves them
   * @throws InputError if the record is another job's, or the requests of the job refer to another content of the video;
   * as {@link saveRecord}
   */
  async begin(
    entry: JournalEntry,
    video: SentVideo,
    onProblem: ((problem: string) => void) | undefined,
    all: readonly PlannedJob[] = [entry.planned],
  ): Promise<BegunRecord> {
    const { planned } = entry;
    const options = this.#signal === undefined ? {} : { abortSignal: this.#signal };
    const write = async (): Promise<StoredRecord> => {
      const source = await this.#sourceOf(entry, video);
      const head = video.uploaded === undefined ? await this.#headOf(source.uri) : undefined;
      const change = (current: JobRecord | undefined): JobRecord => {
        if (current === undefined) return newRecord(planned, source, all);
        checkOwner(current, entry, video.inputLocation);
        if (head !== undefined) this.#checkContent(current, source.uri, head);
        const record = withInvocation(current, planned, sending(planned));
        // An object that was uploaded again has the same content with another ETag.
        const isSame =
          record.source.uri === source.uri && (video.uploaded?.etag ?? record.source.etag) === record.source.etag;
        return isSame ? record : { ...record, source };
      };
      return await this.#save(planned, change, undefined, options);
    };
    const stored = await this.#limited(() => retried(write, { ...budget, signal: this.#signal, onProblem }));
    return { stored, job: entriesOf(stored.record).get(planned.inferenceId)?.job };
  }

  /**
   * Writes that the job was accepted, also within a few seconds after the caller's signal.
   * @param stored the record before the call; undefined if an earlier process made it
   * @returns false if the record that is there is not valid: any caller may have spoiled it, and the job is accepted
   * nevertheless
   * @throws as {@link saveRecord}, except InputError
   */
  async accept({ planned }: JournalEntry, job: Job, stored?: StoredRecord): Promise<boolean> {
    try {
      await this.#finish(async (options) => {
        const source = stored?.record.source ?? (await this.#sourceOf({ planned }, job));
        const change = (current: JobRecord | undefined): JobRecord =>
          withInvocation(current ?? newRecord(planned, source), planned, accepted(job));
        await this.#save(planned, change, stored, options);
      });
      return true;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#onNotice?.(`Job ${job.inferenceId} was accepted, but its record cannot be kept. ${error.message}`);
      return false;
    }
  }

  /**
   * Writes an acceptance of a journal, unless the journal shows that the record has it: the process that made the call
   * may have ended before its second write. Jobs that have ended, and those of another deployment, are left out.
   * @throws as {@link accept}
   */
  async complete(entry: JournalEntry, journal: JournalWriter): Promise<void> {
    const { job, recorded, end } = entry;
    if (job === undefined || recorded === true || end !== undefined) return;
    if (bucketOf(job.outputLocation) !== bucketOf(this.#stack.outputs.outputLocation)) return;
    const isRecorded = await this.accept(entry, job);
    if (isRecorded) journal.note({ event: "recorded", inferenceId: job.inferenceId });
  }

  /**
   * Does the same for all jobs of a journal.
   * @throws as {@link accept}
   */
  async completeAll(journal: JournalWriter): Promise<void> {
    await inParallel(journal.entries.values(), recordsAtOnce, async (entry) => {
      this.#signal?.throwIfAborted();
      await this.complete(entry, journal);
    });
  }

  /**
   * Writes that the service, or the client before it, refused the call.
   * @throws as {@link saveRecord}
   */
  async refuse({ planned }: JournalEntry, problem: string, stored: StoredRecord): Promise<void> {
    const { inferenceId, endpointName } = planned;
    const invocation: JobInvocation = { state: "refused", inferenceId, endpointName, problem };
    const change = (current = stored.record): JobRecord => withInvocation(current, planned, invocation);
    await this.#finish(async (options) => {
      await this.#save(planned, change, stored, options);
    });
  }

  /** Writes a record. Parts of one job, which share it, wait for each other instead of retrying after conflicts. */
  async #save(
    planned: PlannedJob,
    change: (current: JobRecord | undefined) => JobRecord,
    held: StoredRecord | undefined,
    options: RequestOptions,
  ): Promise<StoredRecord> {
    const id = ownerOf(planned);
    if (planned.part === undefined) return await saveRecord(this.#stack, id, change, held, options);
    const shared = this.#shared.get(id) ?? { limited: limiter(1), stored: held };
    this.#shared.set(id, shared);
    return await shared.limited(async () => {
      shared.stored = await saveRecord(this.#stack, id, change, shared.stored, options);
      return shared.stored;
    });
  }

  /** Writes after a call: the first try may still end after the caller's signal. */
  async #finish(write: (options: RequestOptions) => Promise<void>): Promise<void> {
    using grace = graceAfter(this.#signal);
    await this.#limited(async () => {
      try {
        await write(grace.options);
      } catch (error) {
        if (!isPassing(error)) throw error;
        await retried(() => write(grace.options), { ...budget, signal: this.#signal, onProblem: undefined });
      }
    });
  }

  /** @throws InputError if an earlier request of the job refers to another content of an object that is used in place */
  #checkContent(
    { source: { uri, etag } }: JobRecord,
    inputLocation: string,
    head: ObjectHead | "missing" | "forbidden",
  ): void {
    if (this.#stack.outputs.requests !== "reference" || etag === null || uri !== inputLocation) return;
    const change = changeOf(uri, etag, head);
    if (change !== undefined) throw new InputError(change);
  }

  async #sourceOf({ planned }: Pick<JournalEntry, "planned">, video: SentVideo): Promise<JobSource> {
    const { inputLocation: uri, contentType, uploaded } = video;
    const name = planned.file ?? planned.video;
    const head = uploaded ?? (await this.#headOf(uri));
    const { etag, bytes } = typeof head === "string" ? { etag: null, bytes: null } : head;
    return { uri, contentType, etag, bytes, ...(name === undefined ? {} : { name: basename(name) }) };
  }

  /** Reads an object's properties once. */
  async #headOf(uri: string): ReturnType<typeof headObject> {
    const known = this.#heads.get(uri);
    if (known !== undefined) return await known;
    const reading = headObject(this.#stack.s3, parseS3Uri(uri), { signal: this.#signal });
    this.#heads.set(uri, reading);
    // The next job, or try, reads them again.
    reading.catch(() => this.#heads.delete(uri));
    return await reading;
  }
}
