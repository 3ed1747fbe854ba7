/** Reads small parts of a file, so that the size of a container's index does not matter. */
import type { FileHandle } from "node:fs/promises";

/** The container does not give the answer: it is damaged, cut, or larger than the part that is read. */
export class UndecidedError extends Error {
  override readonly name = "UndecidedError";
}

/** Maximum number of reads of one file: a file of one-second fragments has about a thousand boxes. */
const maxReads = 10_000;

/** Maximum size of one read, bytes. */
const maxBytes = 1024 ** 2;

/** Reads one file, with limits on the number and size of reads. */
export class BoundedReader {
  /** Size of the file, bytes. */
  readonly size: number;
  readonly #handle: FileHandle;
  #reads = 0;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  /**
   * Reads `length` bytes from offset `at`.
   * @throws UndecidedError if the file ends before, or if the limits are reached
   */
  async read(at: number, length: number): Promise<Buffer> {
    const bytes = await this.readUpTo(at, length);
    if (bytes.length < length) throw new UndecidedError(`the file ends before byte ${at + length}`);
    return bytes;
  }

  /**
   * Reads up to `length` bytes from offset `at`: fewer at the end of the file.
   * @throws UndecidedError if the limits are reached
   */
  async readUpTo(at: number, length: number): Promise<Buffer> {
    this.#reads += 1;
    if (this.#reads > maxReads || length > maxBytes) throw new UndecidedError("too much would be read");
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, at);
    return buffer.subarray(0, bytesRead);
  }
}
