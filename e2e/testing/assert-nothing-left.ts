/** Asserts that a command has left nothing of this clone's local stack. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { localState } from "../../ops/local/local-stack.ts";
import { leftProcesses } from "../../ops/testing/commands.ts";

/** @throws an AssertionError if a process, the lock or data of the local stack is left */
export async function assertNothingLeft(): Promise<void> {
  assert.deepEqual(await leftProcesses(), []);
  assert.equal(existsSync(localState.lock), false, "the lock is left");
  assert.equal(existsSync(localState.backend), false, "Pulumi's state is left");
  assert.equal(existsSync(localState.aws), false, "the emulators' data is left");
}
