/** Tests with the real TorchServe how a worker that fails, dies or runs out of time affects its caller and other requests. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { TorchServe } from "../../emulator/testing/torchserve.ts";
import { assertAnswered, assertRefused, Caller, faultyHandler, testFailures } from "../../model/testing/failures.ts";

const workers = 2;

describe("The handler under TorchServe with faults", function () {
  this.timeout(600_000);
  let folder: string;
  let started: TorchServe | undefined;
  let server: TorchServe;
  let caller: Caller;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "faults-"));
    started = await TorchServe.start({ folder, workers, handler: faultyHandler });
    server = started;
    caller = await Caller.of(server);
  });
  after(async () => {
    await started?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("logs the device of the model once per worker", async () => {
    const ready = (await server.log()).match(/Model .* is ready on .*, precision .*, batch \d+\./g);
    assert.equal(ready?.length, workers);
  });

  testFailures(
    () => server,
    () => caller,
  );

  it("answers a video in a form's field named body, and refuses other forms with a reason", async () => {
    assertAnswered(await caller.sendForm("body"));
    assertRefused(await caller.sendForm("video"), 400, /^The body is a form: /);
  });
});
