/** For tests: runs a benchmark of package.json, which must print its figures as one JSON object. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { repoRoot } from "../paths.mjs";

/** Milliseconds that a benchmark may take. */
export const longestBenchmark = 20 * 60_000;

/** Runs `npm run -s NAME -- --json` with further arguments; at least one figure must be a number above 0. */
export async function runBenchmark(name: string, args: readonly string[] = []): Promise<void> {
  const options = { cwd: repoRoot, timeout: longestBenchmark };
  const { stdout } = await promisify(execFile)("npm", ["run", "-s", name, "--", "--json", ...args], options);
  const figures = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
  assert.ok(
    Object.values(figures).some((figure) => typeof figure === "number" && Number.isFinite(figure) && figure > 0),
    stdout,
  );
}
