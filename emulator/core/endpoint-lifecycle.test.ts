/** Tests for an asynchronous endpoint's updates and deletion. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { EndpointHarness, minute, second } from "./endpoint-harness.ts";
import type { Instance, InvocationRequest } from "./worker.ts";
import { DeploymentFailedError, EndpointBusyError, EndpointGoneError } from "./endpoint-api.ts";

describe("an asynchronous endpoint's updates", () => {
  it("start the whole new fleet first, keep the queue, then stop the old fleet", async () => {
    const harness = await new EndpointHarness().deployed(1);
    harness.send(4);
    const update = harness.endpoint.deploy({ launcher: harness.launcher(), concurrency: 2, initialCount: 1 });
    await harness.clock.advance(minute - 1);
    assert.equal(harness.endpoint.state, "updating");
    assert.deepEqual(harness.started, ["video-1 on main-1", "video-2 on main-1"]);
    await harness.clock.advance(minute);
    await update;
    assert.deepEqual(harness.started.slice(2), ["video-3 on main-2", "video-4 on main-2"]);
    assert.equal(harness.settled.size, 4);
    assert.equal(harness.endpoint.currentCount, 1);
    assert.deepEqual(harness.states, ["in-service", "updating", "in-service"]);
  });

  it("reset the number of instances to the new configuration's, also from zero (UpdateEndpoint without RetainAllVariantProperties)", async () => {
    const harness = await new EndpointHarness().deployed(0);
    const update = harness.endpoint.deploy({ launcher: harness.launcher(), concurrency: 1, initialCount: 2 });
    await harness.clock.advance(minute);
    await update;
    assert.equal(harness.endpoint.currentCount, 2);
    assert.equal(harness.endpoint.desiredCount, 2);
  });

  it("roll back to the old fleet when the new one does not start", async () => {
    const harness = await new EndpointHarness().deployed(1);
    const launcher = harness.launcher({
      startUp: (id) => {
        if (id === "main-3") throw new Error("the artifact has no code/inference.py");
        return minute;
      },
    });
    await assert.rejects(harness.endpoint.deploy({ launcher, concurrency: 1, initialCount: 2 }), DeploymentFailedError);
    assert.equal(harness.endpoint.state, "in-service");
    assert.deepEqual(harness.endpoint.capacity, { current: 1, desired: 1, starting: 0, stopping: 0 });
    const [id = ""] = harness.send();
    await harness.clock.advance(minute);
    assert.equal(harness.ended(id).status, "completed");
  });

  it("and scaling refuse each other with SageMaker's message", async () => {
    const harness = await new EndpointHarness().deployed(1);
    const fleet = { launcher: harness.launcher(), concurrency: 1, initialCount: 1 };
    const refusal = {
      name: "EndpointBusyError",
      message: 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/videos".',
    };
    const scaling = harness.endpoint.setDesired(2);
    assert.equal(harness.endpoint.state, "scaling");
    await assert.rejects(harness.endpoint.deploy(fleet), refusal);
    await assert.rejects(harness.endpoint.setDesired(3), refusal);
    await harness.clock.advance(minute);
    await scaling;
    const update = harness.endpoint.deploy(fleet);
    await assert.rejects(harness.endpoint.setDesired(3), refusal);
    await harness.clock.advance(minute);
    await update;
  });

  it("fail permanently if the first fleet does not start", async () => {
    const harness = new EndpointHarness();
    const launcher = harness.launcher({
      startUp: () => {
        throw new Error("image not found");
      },
    });
    const creation = harness.endpoint.deploy({ launcher, concurrency: 1, initialCount: 1 });
    await assert.rejects(creation, { name: "DeploymentFailedError", message: "image not found" });
    assert.equal(harness.endpoint.state, "failed");
    await assert.rejects(
      harness.endpoint.deploy({ launcher: harness.launcher(), concurrency: 1, initialCount: 1 }),
      EndpointBusyError,
    );
  });
});

describe("an asynchronous endpoint's deletion", () => {
  it("ends everything, in any state, and refuses further requests", async () => {
    for (const during of ["creating", "working", "scaling"] as const) {
      const harness = new EndpointHarness();
      const creation = harness.endpoint.deploy({ launcher: harness.launcher(), concurrency: 1, initialCount: 1 });
      const outcome = creation.catch((error: unknown) => error);
      await harness.clock.advance(during === "creating" ? 30 * second : minute);
      if (during !== "creating") harness.send(2);
      const scaling = during === "scaling" ? harness.endpoint.setDesired(3) : undefined;
      const deletion = harness.endpoint.delete();
      await harness.clock.advance(minute);
      await deletion;
      await scaling;
      if (during === "creating") assert.ok((await outcome) instanceof EndpointGoneError);
      assert.deepEqual(harness.endpoint.capacity, { current: 0, desired: 0, starting: 0, stopping: 0 });
      assert.equal(harness.endpoint.state, "deleted");
      assert.equal(harness.endpoint.backlog, 0);
      assert.equal(harness.settled.size, 0);
      assert.equal(harness.clock.holds, 0);
      assert.throws(() => harness.send(), EndpointGoneError);
      const samples = harness.gauge("ApproximateBacklogSize").filter((value) => value !== undefined).length;
      await harness.clock.advance(5 * minute);
      assert.equal(harness.gauge("ApproximateBacklogSize").filter((value) => value !== undefined).length, samples);
    }
  });

  it("stops an instance that a launcher returns although it was cancelled", async () => {
    const harness = new EndpointHarness();
    const handOver = Promise.withResolvers<undefined>();
    let stops = 0;
    const instance: Instance<InvocationRequest> = {
      run: () => Promise.reject(new Error("not wanted")),
      stop: () => {
        stops += 1;
        return Promise.resolve();
      },
    };
    const launcher = { launch: () => handOver.promise.then(() => instance) };
    const creation = harness.endpoint.deploy({ launcher, concurrency: 1, initialCount: 1 });
    const refusal = assert.rejects(creation, EndpointGoneError);
    const deletion = harness.endpoint.delete();
    handOver.resolve(undefined);
    await deletion;
    await refusal;
    assert.equal(stops, 1);
  });

  it("fails queued and running requests if the assumption says so", async () => {
    const harness = await new EndpointHarness({ atDeletion: "fail" }).deployed(1);
    const sent = harness.send(3);
    void harness.endpoint.delete();
    await harness.clock.advance(0);
    assert.equal(harness.endpoint.state, "deleted");
    assert.deepEqual(
      sent.map((id) => harness.failure(id).cause),
      ["deleted", "deleted", "deleted"],
    );
  });
});

describe("an asynchronous endpoint's instances in an update with a bake time", () => {
  /** Starts an endpoint with an idle fleet, and an update that starts at once and bakes for ten minutes. */
  async function baking(objection: () => string | undefined) {
    const harness = await new EndpointHarness().deployed(1);
    const update = harness.endpoint.deploy(
      { launcher: harness.launcher({ startUp: () => 0 }), concurrency: 1, initialCount: 2 },
      { duration: 10 * minute, objection },
    );
    const ended = update.then(
      () => "updated",
      (error: unknown) => (error instanceof DeploymentFailedError ? error.message : String(error)),
    );
    return { harness, ended };
  }

  it("process requests in the new fleet during the bake time, after which the old fleet stops", async () => {
    const { harness, ended } = await baking(() => undefined);
    await harness.clock.advance(10 * minute - 1);
    assert.equal(harness.endpoint.state, "updating");
    assert.equal(harness.endpoint.currentCount, 2);
    assert.equal(harness.endpoint.capacity.stopping, 0);
    await harness.clock.advance(minute);
    assert.equal(await ended, "updated");
    assert.equal(harness.endpoint.state, "in-service");
    assert.equal(harness.endpoint.desiredCount, 2);
  });

  it("are stopped after an objection, and the old fleet gets the queue", async () => {
    const objections: string[] = [];
    const { harness, ended } = await baking(() => objections[0]);
    await harness.clock.advance(5 * minute);
    objections.push("too many errors");
    await harness.clock.advance(2 * minute);
    assert.equal(await ended, "too many errors");
    assert.equal(harness.endpoint.state, "in-service");
    assert.equal(harness.endpoint.currentCount, 1);
    assert.equal(harness.endpoint.desiredCount, 1);
    const [id = ""] = harness.send();
    await harness.clock.advance(minute);
    assert.equal(harness.ended(id).status, "completed");
  });

  it("are all stopped if the endpoint is deleted meanwhile", async () => {
    const { harness, ended } = await baking(() => undefined);
    await harness.clock.advance(minute);
    void harness.endpoint.delete();
    await harness.clock.advance(minute);
    assert.match(await ended, /is being deleted/);
    assert.equal(harness.endpoint.state, "deleted");
  });
});
