import { describe, it } from "mocha";
import { longestBenchmark, runBenchmark } from "../../tools/testing/benchmark.ts";

describe("the benchmark of npm start", () => {
  it("npm run -s bench:start -- --json", async () => {
    // One run of each revision: this test checks that the benchmark runs, not its figures.
    await runBenchmark("bench:start", ["--runs", "1", "--against", "HEAD"]);
  }).timeout(longestBenchmark);
});
