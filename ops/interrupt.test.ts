import assert from "node:assert/strict";
import { Interrupted } from "./interrupt.ts";

describe("an interruption", () => {
  it("says that nothing is left, unless something is", () => {
    const interrupted = new Interrupted("SIGINT", 130);
    assert.equal(interrupted.message, "Stopped by SIGINT. Nothing of it is left.");
    const leaving = interrupted.leaving("The result is in out/run-1.");
    assert.equal(leaving.message, "Stopped by SIGINT. The result is in out/run-1.");
    assert.equal(leaving.exitStatus, 130);
  });
});
