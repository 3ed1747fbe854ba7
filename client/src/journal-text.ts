/** Parses the bytes of a job journal and reports the kind of damage: a cut plan must not pass for a complete one. */
import { z } from "zod";
import { SetupError } from "./errors.ts";
import { plural } from "./format.ts";
import { addLine, lineSchema } from "./journal-lines.ts";
import type { JournalEntry, JournalLine } from "./journal-lines.ts";

/** Content of a journal. */
export interface JournalContent {
  readonly entries: Map<string, JournalEntry>;
  /** Number of bytes up to the end of the last complete line. Anything after them is damaged. */
  readonly wholeBytes: number;
  /** Notice for the user about a line that was left out; undefined if there is none. */
  readonly notice: string | undefined;
}

/** Options for {@link parseJournal}. */
export interface ParseOptions {
  /**
   * Accepts an empty file and an incomplete plan, for a caller that plans its jobs again from another source.
   * @default false
   */
  readonly acceptIncomplete?: boolean;
}

const remedy = "Pass a job journal that submit wrote.";
const planAgain = "No job of it was sent. Delete the file and run submit with the videos again.";

/** The first bytes of UTF-8 with a byte order mark. */
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** The first two bytes of UTF-16 with a byte order mark, and those of an opening brace in UTF-16 without one. */
const utf16Starts = ["\xff\xfe", "\xfe\xff", "{\0", "\0{"].map((start) => Buffer.from(start, "latin1"));

const newline = 0x0a;

/**
 * Decodes a file of JSON lines; a UTF-8 byte order mark is left out.
 * @throws SetupError if the file is empty, or is UTF-16
 */
export function decodeLines(bytes: Buffer, file: string): string {
  if (bytes.length === 0) {
    throw new SetupError(
      `${file} is empty: it contains no jobs. If submit could not write it because the disk was full, nothing was sent: delete it and run submit again.`,
    );
  }
  if (utf16Starts.some((start) => bytes.subarray(0, 2).equals(start))) {
    throw new SetupError(`${file} is UTF-16 text: save it as UTF-8, or use the original file.`);
  }
  return bytes.toString("utf8", bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0);
}

/** Tells whether a file of JSON lines begins like a journal. */
export function isJournal(text: string): boolean {
  return text.startsWith('{"event":');
}

/**
 * Parses a journal. A crash can leave a last line that is cut, or that contains NUL bytes; no call relied on it. It is
 * left out, with a notice.
 * @throws SetupError if the file is not a journal, if another line is damaged, or if the plan is incomplete
 */
export function parseJournal(
  bytes: Buffer,
  file: string,
  { acceptIncomplete = false }: ParseOptions = {},
): JournalContent {
  if (bytes.length === 0 && acceptIncomplete) return { entries: new Map(), wholeBytes: 0, notice: undefined };
  const text = decodeLines(bytes, file);
  if (!isJournal(text)) {
    throw new SetupError(`${file} is not a job file: it does not begin with a job that submit planned. ${remedy}`);
  }
  const wholeBytes = endOfWholeLines(bytes);
  const notice =
    wholeBytes === bytes.length
      ? undefined
      : `${file}: the last line is damaged (a crash or a full disk cut it) and was left out.`;
  const lines = bytes
    .toString("utf8", bytes.length - Buffer.byteLength(text), wholeBytes)
    .split("\n")
    .slice(0, -1);
  const entries = new Map<string, JournalEntry>();
  const plan = new PlanCheck();
  for (const [index, line] of lines.entries()) {
    const parsed = parseLine(line, `${file}, line ${index + 1},`);
    plan.add(parsed);
    try {
      addLine(entries, parsed);
    } catch (error) {
      throw new SetupError(
        `${file}, line ${index + 1}: ${error instanceof Error ? error.message : String(error)}. ${remedy}`,
      );
    }
  }
  const problem = plan.problem(wholeBytes < bytes.length);
  if (problem !== undefined && !acceptIncomplete) throw new SetupError(`${file}: ${problem}`);
  return { entries, wholeBytes, notice };
}

/** Returns the end of the last complete line without NUL bytes: after a power cut, a file may end with NULs. */
function endOfWholeLines(bytes: Buffer): number {
  const end = bytes.lastIndexOf(newline) + 1;
  const start = end < 2 ? 0 : bytes.lastIndexOf(newline, end - 2) + 1;
  return bytes.subarray(start, end).includes(0) ? start : end;
}

function parseLine(line: string, where: string): JournalLine {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch (error) {
    const detail = error instanceof z.ZodError ? "has another form than submit writes" : "is not JSON";
    throw new SetupError(`${where} ${detail}: the file is damaged. ${remedy}`);
  }
}

/** Counts planned jobs. */
class PlanCheck {
  #planned = 0;
  /** Number of jobs of the plan whose lines are being read, and how many of them are missing. */
  #current: { readonly of: number; missing: number } | undefined;
  #incomplete: { readonly of: number; readonly missing: number } | undefined;
  #isCounted = true;
  #isSent = false;

  /** Counts the next line. */
  add(line: JournalLine): void {
    if (line.event !== "planned") {
      this.#isSent = true;
      this.#close();
      return;
    }
    this.#planned += 1;
    const { of } = line;
    if (this.#current?.of !== of) this.#close();
    if (of === undefined) {
      this.#isCounted = false;
      return;
    }
    this.#current ??= { of, missing: of };
    this.#current.missing -= 1;
    if (this.#current.missing === 0) this.#current = undefined;
  }

  /** Describes the problem of the plan; undefined if it is complete. */
  problem(isCut: boolean): string | undefined {
    this.#close();
    if (this.#incomplete !== undefined) {
      const { of, missing } = this.#incomplete;
      return `the plan is incomplete, it has ${of - missing} of ${plural(of, "job")} (it was written while the disk was full, or cut). ${this.#isSent ? "Use the original file." : planAgain}`;
    }
    // A line that follows the plan shows that the plan was written before it.
    if (this.#isSent || (this.#isCounted && this.#planned > 0)) return undefined;
    return isCut
      ? `the plan is incomplete (it was written while the disk was full, or cut). ${planAgain}`
      : `an earlier version wrote this file, and nothing in it shows that the plan is complete. ${planAgain}`;
  }

  #close(): void {
    if (this.#current !== undefined) this.#incomplete ??= this.#current;
    this.#current = undefined;
  }
}
