/** Tests that every benchmark script in package.json runs and prints its figures as one JSON object. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { repoRoot } from "../../tools/paths.mjs";
import { longestBenchmark, runBenchmark } from "../../tools/testing/benchmark.ts";

const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = manifest.parse(JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8")));

/** Arguments for the smallest input: these tests check that the benchmarks run, not their figures. */
const shortArguments: Readonly<Record<string, readonly string[]>> = {
  "bench:client": ["--runs", "1", "--submissions", "20", "--upload", "32"],
  "bench:model": ["--runs", "1", "--coco-runs", "0", "--seconds", "2", "--rows", "aligned", "--bodies", "1"],
  "bench:parts": ["--seconds", "1", "--video-seconds", "10"],
  "bench:planner": ["--requests", "100"],
  "bench:policies": ["--resources", "100"],
  "bench:program": ["--runs", "1"],
};

/** Tested in `e2e/stack/bench-start.long.e2e.ts`: they use `.local/`, which only the tests in `e2e/stack/` may use (CONTRIBUTING.md). */
const testedElsewhere = ["bench:start", "bench:iam"];

describe("the benchmarks", () => {
  for (const name of Object.keys(scripts).filter(
    (script) => script.startsWith("bench:") && !testedElsewhere.includes(script),
  )) {
    it(`npm run -s ${name} -- --json`, async () => {
      await runBenchmark(name, shortArguments[name]);
    }).timeout(longestBenchmark);
  }
});
