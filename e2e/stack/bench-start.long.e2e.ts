import { describe, it } from "mocha";
import { longestBenchmark, runBenchmark } from "../../tools/testing/benchmark.ts";

describe("the benchmarks of npm start", () => {
  it("npm run -s bench:start -- --json", async () => {
    // One run: this test checks that the benchmark runs, not its figures. ops/bench/revisions.test.ts tests --against.
    await runBenchmark("bench:start", ["--runs", "1"]);
  }).timeout(longestBenchmark);

  it("npm run -s bench:iam -- --json", async () => {
    await runBenchmark("bench:iam", ["--runs", "1"]);
  }).timeout(longestBenchmark);
});
