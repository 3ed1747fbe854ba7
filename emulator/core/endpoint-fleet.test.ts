/** Tests for an asynchronous endpoint's instances: scaling, start-up and loss. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { EndpointHarness, minute, second } from "./endpoint-harness.ts";
import type { Instance, InvocationRequest } from "./worker.ts";
import { ScalingFailedError } from "./endpoint-api.ts";

describe("an asynchronous endpoint's instances", () => {
  it("interrupt a running job only after 30 s of grace (SIGTERM, then SIGKILL), and requeue it at the head", async () => {
    const harness = await new EndpointHarness().deployed(1, { run: () => ({ length: 2 * minute }) });
    harness.send(2);
    void harness.endpoint.setDesired(0);
    await harness.clock.advance(30 * second - 1);
    assert.equal(harness.endpoint.inProcess, 1);
    await harness.clock.advance(1);
    assert.equal(harness.endpoint.queued, 2);
    assert.equal(harness.endpoint.state, "in-service");
    void harness.endpoint.setDesired(1);
    await harness.clock.advance(minute);
    assert.deepEqual(harness.started, ["video-1 on main-1", "video-1 on main-2"]);
  });

  it("let a job end that needs less than the grace period", async () => {
    const harness = await new EndpointHarness().deployed(1, { run: () => ({ length: 20 * second }) });
    const [id = ""] = harness.send();
    void harness.endpoint.setDesired(0);
    await harness.clock.advance(minute);
    assert.equal(harness.ended(id).status, "completed");
    assert.equal(harness.endpoint.currentCount, 0);
  });

  it("fail an interrupted job if the assumption says so", async () => {
    const harness = await new EndpointHarness({ interrupted: "fail" }).deployed(1, {
      run: () => ({ length: 2 * minute }),
    });
    const [id = ""] = harness.send();
    void harness.endpoint.setDesired(0);
    await harness.clock.advance(minute);
    assert.equal(harness.failure(id).cause, "interrupted");
  });

  it("are stopped with idle ones first", async () => {
    const harness = await new EndpointHarness().deployed(3, { run: () => ({ length: 2 * minute }) });
    harness.send(1);
    void harness.endpoint.setDesired(1);
    await harness.clock.advance(2 * minute);
    assert.equal(harness.endpoint.currentCount, 1);
    assert.deepEqual(harness.started, ["video-1 on main-1"]);
    assert.equal(harness.ended("video-1").status, "completed");
  });

  it("are retried with growing pauses if they do not start, and given up after the last attempt", async () => {
    const attempts: number[] = [];
    const harness = await new EndpointHarness().deployed(0, {
      startUp: () => {
        attempts.push(harness.elapsed);
        throw new Error("no capacity");
      },
    });
    const scaling = harness.endpoint.setDesired(1);
    const refusal = assert.rejects(
      scaling,
      (error) => error instanceof ScalingFailedError && error.message.includes("no capacity"),
    );
    await harness.clock.advance(10 * minute);
    await refusal;
    assert.deepEqual(attempts, [minute, minute + 30 * second, minute + 90 * second]);
    assert.equal(harness.endpoint.desiredCount, 0);
    assert.equal(harness.endpoint.state, "in-service");
  });

  describe("in a scale-out from one to three that can start only one more", () => {
    const outcomes = { some: 2, none: 1 } as const;
    for (const partialCapacity of ["some", "none"] as const) {
      it(`are ${outcomes[partialCapacity]} if ${partialCapacity} of the added ones serve`, async () => {
        const assumptions = { partialCapacity, launchAttempts: 2 };
        const startUp = (id: string): number => {
          if (id === "main-1" || id === "main-2") return minute;
          throw new Error("no capacity");
        };
        const harness = await new EndpointHarness(assumptions).deployed(1, { startUp });
        const refusal = assert.rejects(harness.endpoint.setDesired(3), { name: "ScalingFailedError" });
        await harness.clock.advance(5 * minute);
        await refusal;
        const expected = outcomes[partialCapacity];
        assert.deepEqual(harness.endpoint.capacity, { current: expected, desired: expected, starting: 0, stopping: 0 });
        assert.equal(harness.clock.holds, 0);
      });
    }

    it("serve from the moment when all have started, if none may serve without the others", async () => {
      const startUp = (id: string): number => (id === "main-3" ? 3 * minute : minute);
      const harness = await new EndpointHarness({ partialCapacity: "none" }).deployed(1, { startUp });
      const scaling = harness.endpoint.setDesired(3);
      await harness.clock.advance(2 * minute);
      assert.deepEqual(harness.endpoint.capacity, { current: 1, desired: 3, starting: 2, stopping: 0 });
      await harness.clock.advance(minute);
      await scaling;
      assert.equal(harness.endpoint.currentCount, 3);
    });
  });

  describe("whose container starts after two minutes and is healthy after five more", () => {
    const slow = { startUp: () => 7 * minute, provisioning: () => 2 * minute };
    const words =
      "The primary container for production variant main did not pass the ping health check. Please check CloudWatch logs for this endpoint.";

    it("serve if the start-up timeout is longer than that, which does not count the time before the container's start", async () => {
      const harness = new EndpointHarness();
      const deployment = harness.endpoint.deploy({
        launcher: harness.launcher(slow),
        concurrency: 1,
        initialCount: 1,
        startupTimeout: 5 * minute + 1,
      });
      await harness.clock.advance(7 * minute);
      await deployment;
      assert.equal(harness.endpoint.state, "in-service");
    });

    it("fail the endpoint with AWS's message when the start-up timeout ends", async () => {
      const harness = new EndpointHarness();
      const deployment = harness.endpoint.deploy({
        launcher: harness.launcher(slow),
        concurrency: 1,
        initialCount: 1,
        startupTimeout: 5 * minute - second,
      });
      const refusal = assert.rejects(deployment, {
        name: "DeploymentFailedError",
        message: `${words} The container did not become healthy within 299 seconds of its start`,
      });
      await harness.clock.advance(7 * minute - second - 1);
      assert.equal(harness.endpoint.state, "creating");
      await harness.clock.advance(1);
      await refusal;
      assert.equal(harness.endpoint.state, "failed");
      assert.deepEqual(harness.endpoint.capacity, { current: 0, desired: 1, starting: 0, stopping: 0 });
      assert.equal(harness.clock.holds, 0);
    });

    it("have four minutes by default", async () => {
      const harness = new EndpointHarness();
      const deployment = harness.endpoint.deploy({ launcher: harness.launcher(slow), concurrency: 1, initialCount: 1 });
      const refusal = assert.rejects(deployment, /within 240 seconds/);
      await harness.clock.advance(6 * minute);
      await refusal;
    });

    it("are given up by a scale-out after its attempts, each of which ends with the start-up timeout", async () => {
      const harness = new EndpointHarness({ launchAttempts: 2 });
      const deployment = harness.endpoint.deploy({
        launcher: harness.launcher(slow),
        concurrency: 1,
        initialCount: 0,
        startupTimeout: minute,
      });
      await harness.clock.advance(0);
      await deployment;
      const scaling = harness.endpoint.setDesired(1);
      const refusal = assert.rejects(scaling, {
        name: "ScalingFailedError",
        message: new RegExp(`^${words} .*within 60 seconds`),
      });
      await harness.clock.advance(3 * minute + 30 * second + 3 * minute);
      await refusal;
      assert.equal(harness.endpoint.state, "in-service");
      assert.equal(harness.endpoint.desiredCount, 0);
    });

    it("are stopped, and do not count as healthy, if they ignore the abort", async () => {
      const harness = new EndpointHarness();
      const stopped: string[] = [];
      const launch = async (id: string, _signal: AbortSignal, onContainerStart?: () => void) => {
        onContainerStart?.();
        await new Promise<void>((resolve) => void harness.clock.setTimer(harness.clock.now() + 2 * minute, resolve));
        return {
          run: () => Promise.reject(new Error("no run")),
          stop: () => {
            stopped.push(id);
            return Promise.resolve();
          },
        };
      };
      const deployment = harness.endpoint.deploy({
        launcher: { launch },
        concurrency: 1,
        initialCount: 1,
        startupTimeout: minute,
      });
      const refusal = assert.rejects(deployment, /within 60 seconds/);
      await harness.clock.advance(2 * minute);
      await refusal;
      assert.deepEqual(stopped, ["main-1"]);
    });
  });

  it("are cancelled by a scale-in if they replace a lost one", async () => {
    const harness = new EndpointHarness();
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
    await harness.endpoint.deploy({ launcher: { launch }, concurrency: 1, initialCount: 1 });
    lost.resolve("killed");
    await harness.clock.advance(minute);
    assert.deepEqual(harness.endpoint.capacity, { current: 0, desired: 1, starting: 1, stopping: 0 });
    await harness.endpoint.setDesired(0);
    assert.deepEqual(calledOff, ["main-2"]);
    assert.deepEqual(harness.endpoint.capacity, { current: 0, desired: 0, starting: 0, stopping: 0 });
    assert.equal(harness.clock.holds, 0);
  });

  it("are replaced when they end unexpectedly, and their jobs run again up to a limit", async () => {
    const harness = new EndpointHarness({ repeatsAfterInterruption: 2 });
    let launched = 0;
    await harness.endpoint.deploy({
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
    const [poison = ""] = harness.send();
    await harness.clock.advance(minute);
    assert.equal(harness.failure(poison).cause, "interrupted");
    assert.match(harness.failure(poison).reason, /ended unexpectedly: killed/);
    assert.equal(launched, 4);
    assert.equal(harness.endpoint.currentCount, 1);
  });
});
