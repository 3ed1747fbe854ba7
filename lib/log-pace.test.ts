import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { LogPace } from "./log-pace.ts";

describe("a log of progress", () => {
  it("prints a new text at once, and the same one every 15 seconds", () => {
    const pace = new LogPace();
    const printed = Array.from({ length: 40 }, (_, second) => second).filter((second) =>
      pace.isDue(second < 20 ? "" : "working", second * 1000),
    );
    assert.deepEqual(printed, [0, 15, 20, 35]);
  });
});
