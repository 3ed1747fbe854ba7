import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { PolicyRefusal } from "../../ops/deployment/deployment-errors.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { forSuite } from "../../lib/testing/fixtures.ts";
import { assertNothingCreated, localConfigWith, startPreviews } from "../testing/previews.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("the engine's preview with the policy pack", () => {
  let folder: string;
  let paths: StatePaths;
  let aws: RunningEmulator;

  forSuite(startPreviews, (started) => ({ aws, folder, paths } = started));

  it("passes the stack local without changes", async () => {
    const deployment = await Deployment.open(aws, paths);
    const { policies } = await deployment.preview(step, signal);
    assert.ok(policies >= 2);
    await assertNothingCreated(aws);
  });

  it("stops if it is aborted before the engine runs", async () => {
    const deployment = await Deployment.open(aws, paths);
    const abort = new AbortController();
    const previewed = deployment.preview(step, abort.signal);
    abort.abort(new Error("stop"));
    await assert.rejects(previewed, { message: "stop" });
  });

  for (const [key, value, policy, remedy] of [
    ["minCapacity", "1", "min-capacity-zero", /minCapacity.*0/s],
    ["instanceType", "ml.m5.xlarge", "gpu-instance-type", /instanceType.*ml\.g/s],
  ] as const) {
    it(`refuses ${key} ${value} with the policy's remedy, and creates nothing`, async () => {
      const deployment = await Deployment.open(aws, paths, await localConfigWith(folder, key, value));
      await assert.rejects(deployment.preview(step, signal), (error: Error) => {
        assert.ok(error instanceof PolicyRefusal, String(error));
        assert.ok(error.message.includes(policy), error.message);
        assert.match(error.message, remedy);
        return true;
      });
      await assertNothingCreated(aws);
    });
  }
});
