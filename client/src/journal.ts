/**
 * The job journal of a submission, a write-ahead log of JSON lines that outlives the process: planned jobs, attempts,
 * acceptances and ends.
 */
import { appendFileSync, existsSync, fstatSync, ftruncateSync, linkSync, unlinkSync } from "node:fs";
import { access, constants, open, readFile, rm, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../lib/errors.ts";
import { writeRemedy } from "../../lib/remedies.ts";
import { SetupError } from "./errors.ts";
import { lockFile } from "./lock.ts";
import type { FileLock } from "./lock.ts";
import { addLine } from "./journal-lines.ts";
import type { JournalEntries, JournalEntry, JournalLine, PlannedJob } from "./journal-lines.ts";
import { parseJournal } from "./journal-text.ts";
import type { JournalContent, ParseOptions } from "./journal-text.ts";

/**
 * Minimum time between the starts of two syncs, ms: short compared with a call to AWS, and long enough to group many
 * jobs' lines.
 */
const syncPauseMs = 8;

/** A journal that this process writes exclusively. Close it when done, or declare it with `await using`. */
export class JobJournal implements AsyncDisposable {
  readonly file: string;
  /** Notice for the user about a line that was left out; undefined if there is none. */
  readonly notice: string | undefined;
  readonly #entries: Map<string, JournalEntry>;
  readonly #handle: FileHandle;
  readonly #lock: FileLock;
  /** Draft of a new journal's first lines. It is renamed to the journal's name when all of them are written. */
  #draft: string | undefined;
  #failure: SetupError | undefined;
  #unwritten = "";
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;
  #rest: Promise<void> = Promise.resolve();

  private constructor(
    file: string,
    { entries, notice }: Pick<JournalContent, "entries" | "notice">,
    handle: FileHandle,
    lock: FileLock,
    draft?: string,
  ) {
    this.file = file;
    this.notice = notice;
    this.#entries = entries;
    this.#handle = handle;
    this.#lock = lock;
    this.#draft = draft;
  }

  /**
   * Creates a new one. Its file appears with the first lines: a reader never finds an empty file or a part of a plan.
   * @throws SetupError if the file exists already, its folder does not, or it cannot be written
   */
  static async create(file: string): Promise<JobJournal> {
    await JobJournal.checkNew(file);
    const lock = lockFile(file);
    try {
      // Another process may have written it meanwhile.
      if (existsSync(file)) throw alreadyThere(file);
      const draft = `${file}.${process.pid}.tmp`;
      // A killed process with the same id may have left one.
      await rm(draft, { force: true });
      const handle = await open(draft, "ax").catch((error: unknown) => {
        throw unwritable(file, error);
      });
      return new JobJournal(file, { entries: new Map(), notice: undefined }, handle, lock, draft);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /**
   * Checks that a new one can be created; writes nothing.
   * @throws SetupError as {@link create}
   */
  static async checkNew(file: string): Promise<void> {
    // The dot also refuses a file in the folder's place.
    await access(`${dirname(file)}/.`, constants.W_OK).catch((error: unknown) => {
      throw unwritable(file, error);
    });
    if (existsSync(file)) throw alreadyThere(file);
  }

  /**
   * Opens one that an earlier process has left.
   * @throws SetupError if there is none, if it is damaged or its plan is incomplete, or if another process is using it
   */
  static async open(file: string, options: ParseOptions = {}): Promise<JobJournal> {
    parseJournal(await readBytes(file), file, options);
    const lock = lockFile(file);
    try {
      // Read again: the process that held the lock may have written in the meantime.
      const content = parseJournal(await readBytes(file), file, options);
      // The remains of a damaged last line would run into the next one.
      await truncate(file, content.wholeBytes);
      return new JobJournal(file, content, await open(file, "a"), lock);
    } catch (error) {
      lock.release();
      throw error instanceof SetupError ? error : unwritable(file, error);
    }
  }

  /**
   * Opens one, or creates it if there is no file.
   * @throws SetupError as {@link create} and {@link open}
   */
  static async openOrCreate(file: string, options: ParseOptions = {}): Promise<JobJournal> {
    return existsSync(file) ? await JobJournal.open(file, options) : await JobJournal.create(file);
  }

  /** Jobs in the journal's current state. */
  get entries(): JournalEntries {
    return this.#entries;
  }

  /**
   * Adds planned jobs, all or none; they are on the disk when this resolves.
   * @throws SetupError if they cannot be written; nothing is planned then, and a new journal's file does not appear
   */
  async plan(jobs: readonly PlannedJob[]): Promise<void> {
    try {
      await this.append(...jobs.map((job) => ({ event: "planned", of: jobs.length, job }) as const));
    } catch (error) {
      for (const { inferenceId } of jobs) this.#entries.delete(inferenceId);
      throw new SetupError(
        `${error instanceof Error ? error.message : String(error)} The plan was not written, and no job of it was sent: run the same command again after that.`,
        { cause: error },
      );
    }
  }

  /**
   * Adds lines; they are on the disk when this resolves and survive a power failure.
   * @throws SetupError if they cannot be written; no further line can be added then
   */
  async append(...lines: readonly JournalLine[]): Promise<void> {
    this.#add(lines);
    // Lines that arrive during a sync, or shortly after one, are written together: one sync serves many jobs.
    this.#nextSync ??= this.#syncing.then(() => this.#rest).then(() => this.#sync());
    await this.#nextSync;
  }

  /**
   * Adds lines that survive the end of this process, but perhaps not a power failure: an acceptance that is lost in one
   * costs one more call, and waiting for the disk would delay every job. It writes synchronously, so that no kill comes
   * between an answer and its line.
   * @throws SetupError as {@link append}
   */
  note(...lines: readonly JournalLine[]): void {
    this.#add(lines);
    this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The caller of append gets the error.
    await Promise.allSettled([this.#nextSync, this.#syncing]);
    await this.#handle.close();
    if (this.#draft !== undefined) await rm(this.#draft, { force: true });
    this.#lock.release();
  }

  #add(lines: readonly JournalLine[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const line of lines) {
      addLine(this.#entries, line);
      this.#unwritten += `${JSON.stringify(line)}\n`;
    }
  }

  #write(): void {
    const text = this.#unwritten;
    this.#unwritten = "";
    const { fd } = this.#handle;
    const { size } = fstatSync(fd);
    try {
      appendFileSync(fd, text);
    } catch (error) {
      this.#failure = unwritable(this.file, error);
      // A part of the text may have been written.
      ftruncateSync(fd, size);
      throw this.#failure;
    }
    if (this.#draft !== undefined) this.#publish(this.#draft);
  }

  /** Gives the draft the journal's name: unlike a rename, a link does not replace an existing file. */
  #publish(draft: string): void {
    try {
      linkSync(draft, this.file);
      unlinkSync(draft);
    } catch (error) {
      this.#failure = codeOf(error) === "EEXIST" ? alreadyThere(this.file) : unwritable(this.file, error);
      throw this.#failure;
    }
    this.#draft = undefined;
  }

  #sync(): Promise<void> {
    this.#nextSync = undefined;
    this.#rest = sleep(syncPauseMs);
    this.#syncing = this.#writeAndSync();
    return this.#syncing;
  }

  async #writeAndSync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const isNew = this.#draft !== undefined;
    this.#write();
    try {
      await this.#handle.datasync();
      if (isNew) await syncFolder(dirname(this.file));
    } catch (error) {
      this.#failure = unwritable(this.file, error);
      throw this.#failure;
    }
  }
}

/**
 * Reads a journal, also while another process writes it.
 * @throws SetupError if there is none, or if it is damaged or its plan is incomplete
 */
export async function readJournal(file: string, options: ParseOptions = {}): Promise<JournalEntries> {
  return parseJournal(await readBytes(file), file, options).entries;
}

async function readBytes(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}): pass the job journal that submit wrote.`);
  });
}

function alreadyThere(file: string): SetupError {
  return new SetupError(`${file} exists already: resume it (--resume), or pass another --journal.`);
}

function unwritable(file: string, error: unknown): SetupError {
  const code = codeOf(error);
  const remedy =
    code === "ENOENT"
      ? "its folder does not exist, create it or check the path"
      : writeRemedy(error, "choose another place (--journal, --out)");
  return new SetupError(`Cannot write the job journal ${file} (${code}): ${remedy}.`, { cause: error });
}

/** Syncs a folder: a new file's name is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder);
  await handle.sync();
}
