/** Tests that the policies allow every call of the matrix, so that each can justify a permission. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { actorCalls } from "../../emulator/iam/actors.ts";
import { matrixCalls } from "./matrix.ts";
import { replay } from "./replay.ts";
import { currentWorld } from "./world.ts";

describe("the calls that no recording has", function () {
  this.timeout(120_000);

  it("are allowed, each on every stack", async () => {
    const world = await currentWorld();
    const calls = matrixCalls(world);
    const { allowed } = await replay(world, calls, []);
    assert.deepEqual(
      calls.filter((_, index) => allowed[index] !== true),
      [],
    );
  });

  it("have no assumed call of a service", async () => {
    const assumed = Object.values(actorCalls).flatMap((rows) =>
      rows.filter(({ certainty }) => certainty === "assumed"),
    );
    assert.ok(assumed.some(({ action }) => action === "s3:AbortMultipartUpload"));
    const executions = matrixCalls(await currentWorld()).filter(
      ({ caller }) => "role" in caller && caller.role.includes("-execution-"),
    );
    assert.ok(executions.length > 20);
    assert.ok(executions.every(({ action }) => action !== "s3:AbortMultipartUpload"));
  });
});
