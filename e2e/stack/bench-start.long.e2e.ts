import { longestBenchmark, runBenchmark } from "../../tools/testing/benchmark.ts";

describe("the benchmark of npm start", () => {
  it("npm run -s bench:start -- --json", async () => {
    // One pair: here it is about running, not about figures.
    await runBenchmark("bench:start", ["--runs", "1", "--against", "HEAD"]);
  }).timeout(longestBenchmark);
});
