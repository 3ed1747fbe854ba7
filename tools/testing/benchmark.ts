/** Runs a benchmark of package.json in a test. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { repoRoot } from "../paths.mjs";

/** Time limit of a benchmark, in milliseconds. */
export const longestBenchmark = 20 * 60_000;

/**
 * Runs `npm run -s NAME -- --json` with further arguments.
 * @throws an AssertionError unless it prints one JSON object with at least one number above 0
 */
export async function runBenchmark(name: string, args: readonly string[] = []): Promise<void> {
  const options = { cwd: repoRoot, timeout: longestBenchmark };
  const { stdout } = await promisify(execFile)("npm", ["run", "-s", name, "--", "--json", ...args], options);
  const figures = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
  assert.ok(
    Object.values(figures).some((figure) => typeof figure === "number" && Number.isFinite(figure) && figure > 0),
    stdout,
  );
}
