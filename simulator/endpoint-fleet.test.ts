/** Holds how an asynchronous endpoint's instances come and go: scaling, updates, deletion. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { EndpointBench, minute, second } from "./endpoint-bench.ts";
import type { Instance, InvocationRequest } from "./worker.ts";
import { DeploymentFailedError, EndpointBusyError, EndpointGoneError, ScalingFailedError } from "./endpoint-api.ts";

describe("an asynchronous endpoint's instances", () => {
  it("take a running job with them only after 30 s of grace (SIGTERM, then SIGKILL), and it is queued again, at the head", async () => {
    const bench = await new EndpointBench().deployed(1, { run: () => ({ length: 2 * minute }) });
    bench.send(2);
    void bench.endpoint.setDesired(0);
    await bench.clock.advance(30 * second - 1);
    assert.equal(bench.endpoint.inProcess, 1);
    await bench.clock.advance(1);
    assert.equal(bench.endpoint.queued, 2);
    assert.equal(bench.endpoint.state, "in-service");
    void bench.endpoint.setDesired(1);
    await bench.clock.advance(minute);
    assert.deepEqual(bench.started, ["video-1 on main-1", "video-1 on main-2"]);
  });

  it("let a job end that needs less than the grace", async () => {
    const bench = await new EndpointBench().deployed(1, { run: () => ({ length: 20 * second }) });
    const [id = ""] = bench.send();
    void bench.endpoint.setDesired(0);
    await bench.clock.advance(minute);
    assert.equal(bench.ended(id).status, "completed");
    assert.equal(bench.endpoint.currentCount, 0);
  });

  it("fail the job that they take with them where the switch says so", async () => {
    const bench = await new EndpointBench({ interrupted: "fail" }).deployed(1, { run: () => ({ length: 2 * minute }) });
    const [id = ""] = bench.send();
    void bench.endpoint.setDesired(0);
    await bench.clock.advance(minute);
    assert.equal(bench.failure(id).cause, "interrupted");
  });

  it("are taken away idle ones first", async () => {
    const bench = await new EndpointBench().deployed(3, { run: () => ({ length: 2 * minute }) });
    bench.send(1);
    void bench.endpoint.setDesired(1);
    await bench.clock.advance(2 * minute);
    assert.equal(bench.endpoint.currentCount, 1);
    assert.deepEqual(bench.started, ["video-1 on main-1"]);
    assert.equal(bench.ended("video-1").status, "completed");
  });

  it("are tried again when they do not start, with growing pauses, and given up after the last attempt", async () => {
    const attempts: number[] = [];
    const bench = await new EndpointBench().deployed(0, {
      startUp: () => {
        attempts.push(bench.elapsed);
        throw new Error("no capacity");
      },
    });
    const scaling = bench.endpoint.setDesired(1);
    const refusal = assert.rejects(
      scaling,
      (error) => error instanceof ScalingFailedError && error.message.includes("no capacity"),
    );
    await bench.clock.advance(10 * minute);
    await refusal;
    assert.deepEqual(attempts, [minute, minute + 30 * second, minute + 90 * second]);
    assert.equal(bench.endpoint.desiredCount, 0);
    assert.equal(bench.endpoint.state, "in-service");
  });

  describe("whose container starts after two minutes and is healthy after five more", () => {
    const slow = { startUp: () => 7 * minute, provisioning: () => 2 * minute };
    const words =
      "The primary container for production variant main did not pass the ping health check. Please check CloudWatch logs for this endpoint.";

    it("serve if the start-up timeout is longer than that, which does not count the time before the container's start", async () => {
      const bench = new EndpointBench();
      const deployment = bench.endpoint.deploy({
        launcher: bench.launcher(slow),
        concurrency: 1,
        initialCount: 1,
        startupTimeout: 5 * minute + 1,
      });
      await bench.clock.advance(7 * minute);
      await deployment;
      assert.equal(bench.endpoint.state, "in-service");
    });

    it("fail the endpoint in AWS's words at the moment when the start-up timeout is over", async () => {
      const bench = new EndpointBench();
      const deployment = bench.endpoint.deploy({
        launcher: bench.launcher(slow),
        concurrency: 1,
        initialCount: 1,
        startupTimeout: 5 * minute - second,
      });
      const refusal = assert.rejects(deployment, {
        name: "DeploymentFailedError",
        message: `${words} The container did not become healthy within 299 seconds of its start`,
      });
      await bench.clock.advance(7 * minute - second - 1);
      assert.equal(bench.endpoint.state, "creating");
      await bench.clock.advance(1);
      await refusal;
      assert.equal(bench.endpoint.state, "failed");
      assert.deepEqual(bench.endpoint.capacity, { current: 0, desired: 1, starting: 0, stopping: 0 });
      assert.equal(bench.clock.holds, 0);
    });

    it("have four minutes by default", async () => {
      const bench = new EndpointBench();
      const deployment = bench.endpoint.deploy({ launcher: bench.launcher(slow), concurrency: 1, initialCount: 1 });
      const refusal = assert.rejects(deployment, /within 240 seconds/);
      await bench.clock.advance(6 * minute);
      await refusal;
    });

    it("are given up by a scale-out after its attempts, each of which ends with the start-up timeout", async () => {
      const bench = new EndpointBench({ launchAttempts: 2 });
      const deployment = bench.endpoint.deploy({
        launcher: bench.launcher(slow),
        concurrency: 1,
        initialCount: 0,
        startupTimeout: minute,
      });
      await bench.clock.advance(0);
      await deployment;
      const scaling = bench.endpoint.setDesired(1);
      const refusal = assert.rejects(scaling, {
        name: "ScalingFailedError",
        message: new RegExp(`^${words} .*within 60 seconds`),
      });
      await bench.clock.advance(3 * minute + 30 * second + 3 * minute);
      await refusal;
      assert.equal(bench.endpoint.state, "in-service");
      assert.equal(bench.endpoint.desiredCount, 0);
    });

    it("that hold on when they are aborted are stopped and not taken for healthy", async () => {
      const bench = new EndpointBench();
      const stopped: string[] = [];
      const launch = async (id: string, _signal: AbortSignal, onContainerStart?: () => void) => {
        onContainerStart?.();
        await new Promise<void>((resolve) => void bench.clock.setTimer(bench.clock.now() + 2 * minute, resolve));
        return {
          run: () => Promise.reject(new Error("no run")),
          stop: () => {
            stopped.push(id);
            return Promise.resolve();
          },
        };
      };
      const deployment = bench.endpoint.deploy({
        launcher: { launch },
        concurrency: 1,
        initialCount: 1,
        startupTimeout: minute,
      });
      const refusal = assert.rejects(deployment, /within 60 seconds/);
      await bench.clock.advance(2 * minute);
      await refusal;
      assert.deepEqual(stopped, ["main-1"]);
    });
  });

  it("that were to replace a lost one are called off by a scale-in", async () => {
    const bench = new EndpointBench();
    const lost = Promise.withResolvers<string>();
    const calledOff: string[] = [];
    const launch = async (id: string, signal: AbortSignal): Promise<Instance<InvocationRequest>> => {
      if (id !== "main-1") {
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        calledOff.push(id);
        signal.throwIfAborted();
      }
      return { lost: lost.promise, run: () => Promise.reject(new Error("no run")), stop: () => Promise.resolve() };
    };
    await bench.endpoint.deploy({ launcher: { launch }, concurrency: 1, initialCount: 1 });
    lost.resolve("killed");
    await bench.clock.advance(minute);
    assert.deepEqual(bench.endpoint.capacity, { current: 0, desired: 1, starting: 1, stopping: 0 });
    await bench.endpoint.setDesired(0);
    assert.deepEqual(calledOff, ["main-2"]);
    assert.deepEqual(bench.endpoint.capacity, { current: 0, desired: 0, starting: 0, stopping: 0 });
    assert.equal(bench.clock.holds, 0);
  });

  it("are replaced when they end by themselves, and their jobs run again, but not for ever", async () => {
    const bench = new EndpointBench({ repeatsAfterInterruption: 2 });
    let launched = 0;
    await bench.endpoint.deploy({
      launcher: {
        launch: () => {
          launched += 1;
          const lost = Promise.withResolvers<string>();
          return Promise.resolve({
            lost: lost.promise,
            run: () => {
              lost.resolve("killed");
              return new Promise<never>(() => undefined);
            },
            stop: () => Promise.resolve(),
          });
        },
      },
      concurrency: 1,
      initialCount: 1,
    });
    const [poison = ""] = bench.send();
    await bench.clock.advance(minute);
    assert.equal(bench.failure(poison).cause, "interrupted");
    assert.match(bench.failure(poison).reason, /ended by itself: killed/);
    assert.equal(launched, 4);
    assert.equal(bench.endpoint.currentCount, 1);
  });
});

describe("an asynchronous endpoint's updates", () => {
  it("start the whole new fleet first, keep the queue, then take the old fleet away", async () => {
    const bench = await new EndpointBench().deployed(1);
    bench.send(4);
    const update = bench.endpoint.deploy({ launcher: bench.launcher(), concurrency: 2, initialCount: 1 });
    await bench.clock.advance(minute - 1);
    assert.equal(bench.endpoint.state, "updating");
    assert.deepEqual(bench.started, ["video-1 on main-1", "video-2 on main-1"]);
    await bench.clock.advance(minute);
    await update;
    assert.deepEqual(bench.started.slice(2), ["video-3 on main-2", "video-4 on main-2"]);
    assert.equal(bench.settled.size, 4);
    assert.equal(bench.endpoint.currentCount, 1);
    assert.deepEqual(bench.states, ["in-service", "updating", "in-service"]);
  });

  it("reset the number of instances to the new configuration's, from zero too (UpdateEndpoint without RetainAllVariantProperties)", async () => {
    const bench = await new EndpointBench().deployed(0);
    const update = bench.endpoint.deploy({ launcher: bench.launcher(), concurrency: 1, initialCount: 2 });
    await bench.clock.advance(minute);
    await update;
    assert.equal(bench.endpoint.currentCount, 2);
    assert.equal(bench.endpoint.desiredCount, 2);
  });

  it("roll back to the old fleet when the new one does not start", async () => {
    const bench = await new EndpointBench().deployed(1);
    const launcher = bench.launcher({
      startUp: (id) => {
        if (id === "main-3") throw new Error("the artifact has no code/inference.py");
        return minute;
      },
    });
    await assert.rejects(bench.endpoint.deploy({ launcher, concurrency: 1, initialCount: 2 }), DeploymentFailedError);
    assert.equal(bench.endpoint.state, "in-service");
    assert.deepEqual(bench.endpoint.capacity, { current: 1, desired: 1, starting: 0, stopping: 0 });
    const [id = ""] = bench.send();
    await bench.clock.advance(minute);
    assert.equal(bench.ended(id).status, "completed");
  });

  it("and scaling refuse each other, in SageMaker's words", async () => {
    const bench = await new EndpointBench().deployed(1);
    const fleet = { launcher: bench.launcher(), concurrency: 1, initialCount: 1 };
    const refusal = {
      name: "EndpointBusyError",
      message: 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/videos".',
    };
    const scaling = bench.endpoint.setDesired(2);
    assert.equal(bench.endpoint.state, "scaling");
    await assert.rejects(bench.endpoint.deploy(fleet), refusal);
    await assert.rejects(bench.endpoint.setDesired(3), refusal);
    await bench.clock.advance(minute);
    await scaling;
    const update = bench.endpoint.deploy(fleet);
    await assert.rejects(bench.endpoint.setDesired(3), refusal);
    await bench.clock.advance(minute);
    await update;
  });

  it("have failed for good when the first fleet does not start", async () => {
    const bench = new EndpointBench();
    const launcher = bench.launcher({
      startUp: () => {
        throw new Error("image not found");
      },
    });
    const creation = bench.endpoint.deploy({ launcher, concurrency: 1, initialCount: 1 });
    await assert.rejects(creation, { name: "DeploymentFailedError", message: "image not found" });
    assert.equal(bench.endpoint.state, "failed");
    await assert.rejects(
      bench.endpoint.deploy({ launcher: bench.launcher(), concurrency: 1, initialCount: 1 }),
      EndpointBusyError,
    );
  });
});

describe("an asynchronous endpoint's deletion", () => {
  it("ends everything, in any state, and takes nothing any more", async () => {
    for (const during of ["creating", "working", "scaling"] as const) {
      const bench = new EndpointBench();
      const creation = bench.endpoint.deploy({ launcher: bench.launcher(), concurrency: 1, initialCount: 1 });
      const outcome = creation.catch((error: unknown) => error);
      await bench.clock.advance(during === "creating" ? 30 * second : minute);
      if (during !== "creating") bench.send(2);
      const scaling = during === "scaling" ? bench.endpoint.setDesired(3) : undefined;
      const deletion = bench.endpoint.delete();
      await bench.clock.advance(minute);
      await deletion;
      await scaling;
      if (during === "creating") assert.ok((await outcome) instanceof EndpointGoneError);
      assert.deepEqual(bench.endpoint.capacity, { current: 0, desired: 0, starting: 0, stopping: 0 });
      assert.equal(bench.endpoint.state, "deleted");
      assert.equal(bench.endpoint.backlog, 0);
      assert.equal(bench.settled.size, 0);
      assert.equal(bench.clock.holds, 0);
      assert.throws(() => bench.send(), EndpointGoneError);
      const samples = bench.gauge("ApproximateBacklogSize").filter((value) => value !== undefined).length;
      await bench.clock.advance(5 * minute);
      assert.equal(bench.gauge("ApproximateBacklogSize").filter((value) => value !== undefined).length, samples);
    }
  });

  it("stops an instance that a launcher hands over although it was called off", async () => {
    const bench = new EndpointBench();
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
    const creation = bench.endpoint.deploy({ launcher, concurrency: 1, initialCount: 1 });
    const refusal = assert.rejects(creation, EndpointGoneError);
    const deletion = bench.endpoint.delete();
    handOver.resolve(undefined);
    await deletion;
    await refusal;
    assert.equal(stops, 1);
  });

  it("fails what was queued and in process where the switch says so", async () => {
    const bench = await new EndpointBench({ atDeletion: "fail" }).deployed(1);
    const sent = bench.send(3);
    void bench.endpoint.delete();
    await bench.clock.advance(0);
    assert.equal(bench.endpoint.state, "deleted");
    assert.deepEqual(
      sent.map((id) => bench.failure(id).cause),
      ["deleted", "deleted", "deleted"],
    );
  });
});

describe("an asynchronous endpoint's instances in an update that bakes", () => {
  /** An endpoint with an idle fleet, and an update that starts in no time and bakes for ten minutes. */
  async function baking(objection: () => string | undefined) {
    const bench = await new EndpointBench().deployed(1);
    const update = bench.endpoint.deploy(
      { launcher: bench.launcher({ startUp: () => 0 }), concurrency: 1, initialCount: 2 },
      { duration: 10 * minute, objection },
    );
    const ended = update.then(
      () => "updated",
      (error: unknown) => (error instanceof DeploymentFailedError ? error.message : String(error)),
    );
    return { bench, ended };
  }

  it("work in the new fleet while the old one is kept, which goes when the time is over", async () => {
    const { bench, ended } = await baking(() => undefined);
    await bench.clock.advance(10 * minute - 1);
    assert.equal(bench.endpoint.state, "updating");
    assert.equal(bench.endpoint.currentCount, 2);
    assert.equal(bench.endpoint.capacity.stopping, 0);
    await bench.clock.advance(minute);
    assert.equal(await ended, "updated");
    assert.equal(bench.endpoint.state, "in-service");
    assert.equal(bench.endpoint.desiredCount, 2);
  });

  it("are taken away again, and the old fleet gets the queue, if there is an objection", async () => {
    const objections: string[] = [];
    const { bench, ended } = await baking(() => objections[0]);
    await bench.clock.advance(5 * minute);
    objections.push("too many errors");
    await bench.clock.advance(2 * minute);
    assert.equal(await ended, "too many errors");
    assert.equal(bench.endpoint.state, "in-service");
    assert.equal(bench.endpoint.currentCount, 1);
    assert.equal(bench.endpoint.desiredCount, 1);
    const [id = ""] = bench.send();
    await bench.clock.advance(minute);
    assert.equal(bench.ended(id).status, "completed");
  });

  it("are all taken away if the endpoint is deleted meanwhile", async () => {
    const { bench, ended } = await baking(() => undefined);
    await bench.clock.advance(minute);
    void bench.endpoint.delete();
    await bench.clock.advance(minute);
    assert.match(await ended, /is being deleted/);
    assert.equal(bench.endpoint.state, "deleted");
  });
});
