/** Prints, below the error of a failed command, the calls that the local stack's IAM has denied meanwhile. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TextSink } from "../../lib/command-line.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/printable.ts";

/** Maximum number of printed denials. */
const limit = 10;

/** Exit statuses from here on are those of signals. */
const interrupted = 128;

/** Start of a denial in the log, with the policy and the Sid (`emulator/iam/denials.py`). */
const denial = /IAM denied .*$/;

/**
 * Runs a command. If it fails, prints the denials during the command, each once. A denial is a line of the emulator's
 * log, because the emulator of `npm start` has ended before the error is printed.
 * @param root the local stack's folder
 * @returns the command's exit status
 */
export async function withDenials(root: string, stderr: TextSink, run: () => Promise<number>): Promise<number> {
  // Paths of the log while the emulator runs, and after its end (`ops/local/local-folder.ts`).
  const logs = [join(root, "aws", "logs", "ministack.log"), join(root, "last-logs", "ministack.log")];
  const before = new Map((await Promise.all(logs.map(fileAt))).map(({ id, size }) => [id, size]));
  const status = await run();
  if (status === 0 || status >= interrupted) return status;
  const lines = new Set<string>();
  for (const log of logs) {
    const { id, size } = await fileAt(log);
    const start = before.get(id) ?? 0;
    if (size <= start) continue;
    for await (const line of createInterface({ input: createReadStream(log, { start }), crlfDelay: Infinity })) {
      const [found] = denial.exec(line) ?? [];
      if (found !== undefined) lines.add(found);
    }
  }
  if (lines.size === 0) return status;
  const rest = lines.size > limit ? [`and ${lines.size - limit} more`] : [];
  stderr.write("Denied on the local stack during this command:\n");
  for (const line of [...[...lines].slice(0, limit), ...rest]) stderr.write(`  ${printable(line)}\n`);
  return status;
}

/** Returns the inode, which stays when the log moves, and the size in bytes; an empty file if there is none. */
async function fileAt(path: string): Promise<{ id: number; size: number }> {
  try {
    const { ino, size } = await stat(path);
    return { id: ino, size };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { id: 0, size: 0 };
    throw error;
  }
}
