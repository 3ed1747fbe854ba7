/** Tests how steps wait for a stack's lock. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { untilUnlocked } from "./lock.ts";
import type { Finished } from "./pulumi.ts";

const ok: Finished = { status: 0, text: "Resources:\n    58 unchanged\n" };
const inS3: Finished = {
  status: 255,
  text: "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.\n",
};
const inCloud: Finished = { status: 255, text: "error: [409] Conflict: Another update is currently in progress.\n" };

/** Runs a command that ends so each time, and counts its runs. */
async function run(limit: number, ...ends: readonly Finished[]) {
  let count = 0;
  let log = "";
  const job = {
    environment: {},
    stdout: { write: (text: string) => (log += text) },
    stderr: { write: () => undefined },
  };
  const command = () => Promise.resolve(ends[Math.min(count++, ends.length - 1)] ?? ok);
  const finished = await untilUnlocked(command, "pr-7", job, { interval: 1, limit }).catch((error: unknown) => error);
  return { finished, count, log };
}

describe("a stack's lock", () => {
  for (const [backend, locked] of [
    ["S3", inS3],
    ["Pulumi Cloud", inCloud],
  ] as const) {
    it(`is waited for in ${backend}`, async () => {
      const { finished, count, log } = await run(60_000, locked, locked, ok);
      assert.deepEqual(finished, ok);
      assert.equal(count, 3);
      assert.match(log, /pr-7 is locked by another update; trying again/);
    });
  }

  it("is waited for only until a deadline", async () => {
    const { finished, count } = await run(20, inS3);
    assert.ok(finished instanceof Error);
    assert.match(finished.message, /pr-7 is still locked after .*run the workflow "unlock"/);
    assert.ok(count > 1);
  });

  it("is not waited for after another error", async () => {
    const failed: Finished = { status: 1, text: "error: AccessDenied\n" };
    const { finished, count } = await run(60_000, failed);
    assert.deepEqual(finished, failed);
    assert.equal(count, 1);
  });
});
