/** The ledger of a submission, a file of JSON lines that outlives the process: what is to be sent, what may have been, what was accepted, how it ended. */
import { appendFileSync } from "node:fs";
import { mkdir, open, readFile, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, SetupError } from "./errors.ts";
import { lockFile } from "./lock.ts";
import type { FileLock } from "./lock.ts";
import { addLine, parseManifest } from "./manifest-lines.ts";
import type { ManifestEntries, ManifestEntry, ManifestLine } from "./manifest-lines.ts";

/** Least time from one sync's beginning to the next one's, ms: little beside a call to AWS, and many jobs' lines in one. */
const SYNC_PAUSE_MS = 8;

/** A manifest that this process writes, and no other. Close it when done, or declare it with `await using`. */
export class Manifest implements AsyncDisposable {
  readonly file: string;
  readonly #entries: Map<string, ManifestEntry>;
  readonly #handle: FileHandle;
  readonly #lock: FileLock;
  #failure: SetupError | undefined;
  #unwritten = "";
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;
  #rest: Promise<void> = Promise.resolve();

  private constructor(file: string, entries: Map<string, ManifestEntry>, handle: FileHandle, lock: FileLock) {
    this.file = file;
    this.#entries = entries;
    this.#handle = handle;
    this.#lock = lock;
  }

  /**
   * Begins a new one; makes its folder if need be.
   * @throws SetupError if the file is there already or cannot be written
   */
  static async create(file: string): Promise<Manifest> {
    await mkdir(path.dirname(file), { recursive: true }).catch((error: unknown) => {
      throw unwritable(file, error);
    });
    const lock = await lockFile(file);
    try {
      const handle = await open(file, "ax").catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw unwritable(file, error);
        throw new SetupError(`${file} is there already: go on with it (--resume), or give another --manifest.`);
      });
      await syncFolder(path.dirname(file));
      return new Manifest(file, new Map(), handle, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * Takes up one that an earlier process has left.
   * @throws SetupError if there is none, if it is damaged, or if another process is at work on it
   */
  static async open(file: string): Promise<Manifest> {
    await readManifest(file);
    const lock = await lockFile(file);
    try {
      // Again: whoever held the lock until now may have written.
      const text = await readText(file);
      const entries = parseManifest(text, file);
      // What a crash has left of a last line would run into the next.
      await truncate(file, Buffer.byteLength(text.slice(0, text.lastIndexOf("\n") + 1)));
      return new Manifest(file, entries, await open(file, "a"), lock);
    } catch (error) {
      await lock.release();
      throw error instanceof SetupError ? error : unwritable(file, error);
    }
  }

  /** What the manifest says now. */
  get entries(): ManifestEntries {
    return this.#entries;
  }

  /**
   * Adds lines; they are on the disk when this resolves, whatever happens to the machine.
   * @throws SetupError if they cannot be written; no further line can be added then
   */
  async append(...lines: readonly ManifestLine[]): Promise<void> {
    this.#add(lines);
    // What comes while the disk is busy, or was a moment ago, goes to it together: one sync serves many jobs.
    this.#nextSync ??= this.#syncing.then(() => this.#rest).then(() => this.#sync());
    await this.#nextSync;
  }

  /**
   * Adds lines that outlive this process, but perhaps not the machine's power: an acceptance that is lost so costs one more
   * call, and waiting for the disk would cost every job. At once, so that no kill comes between an answer and its line.
   * @throws SetupError as {@link append}
   */
  note(...lines: readonly ManifestLine[]): void {
    this.#add(lines);
    this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever appended has the error.
    await Promise.allSettled([this.#nextSync, this.#syncing]);
    await this.#handle.close();
    await this.#lock.release();
  }

  #add(lines: readonly ManifestLine[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const line of lines) {
      addLine(this.#entries, line);
      this.#unwritten += `${JSON.stringify(line)}\n`;
    }
  }

  #write(): void {
    const text = this.#unwritten;
    this.#unwritten = "";
    try {
      appendFileSync(this.#handle.fd, text);
    } catch (error) {
      // Half a line may be there, and the next would run into it.
      this.#failure = unwritable(this.file, error);
      throw this.#failure;
    }
  }

  #sync(): Promise<void> {
    this.#nextSync = undefined;
    this.#rest = sleep(SYNC_PAUSE_MS);
    this.#syncing = this.#writeAndSync();
    return this.#syncing;
  }

  async #writeAndSync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#write();
    await this.#handle.datasync().catch((error: unknown) => {
      this.#failure = unwritable(this.file, error);
      throw this.#failure;
    });
  }
}

/**
 * What a manifest says, whoever may be writing it.
 * @throws SetupError if there is none or it is damaged
 */
export async function readManifest(file: string): Promise<ManifestEntries> {
  return parseManifest(await readText(file), file);
}

async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}): give the manifest that submit wrote.`);
  });
}

function unwritable(file: string, error: unknown): SetupError {
  const remedy = codeOf(error) === "ENOSPC" ? "the disk is full, make room" : "give another place with --manifest";
  return new SetupError(`Cannot write the manifest ${file} (${codeOf(error)}): ${remedy}.`, { cause: error });
}

/** A new file's name is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder);
  await handle.sync();
}
