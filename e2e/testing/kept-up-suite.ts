/** A suite for `ended-tests.long.e2e.ts` that keeps the local stack up until it is ended. Mocha runs it in a separate process. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import { run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";

describe("a suite that keeps the stack up", () => {
  before(async () => {
    const { status, stderr } = await run(["ops/main.ts", "local", "up", "--port", String(await freePort())]).finished;
    assert.equal(status, 0, stderr);
    console.log("the stack is up");
  });
  after(async () => {
    const { status, stderr } = await run(["ops/main.ts", "local", "down"]).finished;
    assert.equal(status, 0, stderr);
  });
  it("waits", async function () {
    this.timeout(0);
    // Much shorter than the time limit of the suite that runs this one.
    for (let second = 0; second < 10; second += 1) await sleep(1_000);
  });
});
