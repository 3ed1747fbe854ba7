/** Shared parts of the benchmarks: a measured run in a separate process, and rounding. */
import type { z } from "zod";
import { lastLine, run } from "./child-process.ts";

/** Time limit of one run, ms. */
const runLimit = 10 * 60_000;

/**
 * Runs a TypeScript program with Node, and parses the JSON that it prints.
 * @throws Error if it fails or prints something else; the signal's reason after an abort
 */
export async function measureRun<Figures>(
  schema: z.ZodType<Figures>,
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Figures> {
  const ended = await run([process.execPath, program, ...args], { limit: runLimit, signal });
  const { status, stdout, stderr, timedOut } = ended;
  if (timedOut) throw new Error(`${program} ${args[0] ?? ""} did not end within ${runLimit / 60_000} minutes.`);
  if (status !== 0) {
    throw new Error(
      `${program} ${args[0] ?? ""} ended with exit status ${status}: ${lastLine(stderr) ?? "no message"}`,
    );
  }
  return schema.parse(JSON.parse(stdout));
}

/** Rounds to hundredths. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
