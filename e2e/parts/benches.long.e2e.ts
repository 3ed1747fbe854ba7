/** Every benchmark that package.json names runs, and prints its figures as one JSON object. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { repoRoot } from "../../tools/paths.mjs";
import { longestBenchmark, runBenchmark } from "../../tools/testing/benchmark.ts";

const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = manifest.parse(JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8")));

/** Those that take many minutes run once, without their longest part: here it is about running, not about figures. */
const shorter: Readonly<Record<string, readonly string[]>> = {
  "bench:client": ["--runs", "3"],
  "bench:model": ["--runs", "1", "--coco-runs", "0", "--seconds", "4", "--bodies", "16"],
};

/** It uses `.local/`, which belongs to the other group of tests (CONTRIBUTING.md): `e2e/stack/bench-start.long.e2e.ts`. */
const elsewhere = "bench:start";

describe("the benchmarks", () => {
  for (const name of Object.keys(scripts).filter((script) => script.startsWith("bench:") && script !== elsewhere)) {
    it(`npm run -s ${name} -- --json`, async () => {
      await runBenchmark(name, shorter[name]);
    }).timeout(longestBenchmark);
  }
});
