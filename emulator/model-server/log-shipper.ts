/** Sends the lines of an instance's log file to CloudWatch Logs. */
import { open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";

/** Interval between two reads of the file, ms of real time. */
const period = 1_000;
/** Limits of PutLogEvents: events, and bytes with 26 for each event (CloudWatch Logs API reference). */
const limits = { events: 10_000, bytes: 1_048_576, overhead: 26 };
/** Maximum number of characters of a line that are sent, up to 3 bytes each in UTF-8. An event may have 256 KiB. */
const longestLine = 80_000;

/** Follows one file until it is stopped. */
export class LogShipper {
  readonly #file: string;
  readonly #send: (lines: readonly string[]) => Promise<void>;
  readonly #decoder = new StringDecoder("utf8");
  #offset = 0;
  #rest = "";
  #timer: NodeJS.Timeout | undefined;
  #shipping: Promise<void> = Promise.resolve();
  #failed = false;

  /**
   * @param file need not exist yet
   * @param send gets lines in order, without their line ends
   */
  constructor(file: string, send: (lines: readonly string[]) => Promise<void>) {
    this.#file = file;
    this.#send = send;
    this.#schedule();
  }

  /** Sends everything written so far, including an unfinished line, and ends. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#shipping;
    await this.#ship(true);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#shipping = this.#ship(false).then(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, period);
  }

  async #ship(isEnd: boolean): Promise<void> {
    try {
      const lines = await this.#read(isEnd);
      for (const batch of batches(lines)) await this.#send(batch);
    } catch (error) {
      // The file still has everything; one message is enough.
      if (!this.#failed) console.error(`The log ${this.#file} cannot be sent to CloudWatch Logs:`, error);
      this.#failed = true;
    }
  }

  async #read(isEnd: boolean): Promise<string[]> {
    const lines = `${this.#rest}${await this.#appended()}`.split("\n");
    this.#rest = isEnd ? "" : (lines.pop() ?? "");
    // CloudWatch Logs refuses empty messages.
    return lines.filter((line) => line !== "").map((line) => line.slice(0, longestLine));
  }

  /** Reads the text that was appended since the last read. */
  async #appended(): Promise<string> {
    let file;
    try {
      file = await open(this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(Math.max(0, size - this.#offset)),
        position: this.#offset,
      });
      this.#offset += bytesRead;
      return this.#decoder.write(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  }
}

/** Splits lines into calls. */
function* batches(lines: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const size = Buffer.byteLength(line) + limits.overhead;
    if (batch.length === limits.events || bytes + size > limits.bytes) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(line);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
