/** Holds the rules of an asynchronous endpoint in virtual time: queue, instances, updates, deletion. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { AsyncEndpoint } from "./endpoint.ts";
import { DeploymentFailedError, EndpointBusyError, EndpointGoneError, ScalingFailedError } from "./endpoint-api.ts";
import type { EndpointState, Settlement } from "./endpoint-api.ts";
import { LatencyLauncher } from "./latency-model.ts";
import type { LatencyModel } from "./latency-model.ts";
import { MetricStore } from "./metrics.ts";
import type { EndpointSwitches } from "./switches.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { Instance, InvocationRequest, RunOutcome } from "./worker.ts";

const second = 1_000;
const minute = 60 * second;

/** An endpoint whose instances start in a minute and need 30 s for a request; a request counts its runs. */
class Bench {
  readonly clock = new VirtualClock();
  readonly metrics = new MetricStore(this.clock);
  readonly settled = new Map<string, Settlement>();
  readonly settledAt = new Map<string, number>();
  readonly started: string[] = [];
  readonly states: EndpointState[] = [];
  readonly endpoint: AsyncEndpoint<InvocationRequest>;
  readonly start = this.clock.now();
  #requests = 0;

  constructor(switches: Partial<EndpointSwitches> = {}) {
    this.endpoint = new AsyncEndpoint<InvocationRequest>({
      name: "videos",
      arn: "arn:aws:sagemaker:us-east-1:000000000000:endpoint/videos",
      variant: "main",
      clock: this.clock,
      metrics: this.metrics,
      switches,
      listener: {
        onSettled: (request, settlement) => {
          assert.ok(!this.settled.has(request.inferenceId), `${request.inferenceId} settled twice`);
          this.settled.set(request.inferenceId, settlement);
          this.settledAt.set(request.inferenceId, this.elapsed);
        },
        onStarted: (request, instanceId) => this.started.push(`${request.inferenceId} on ${instanceId}`),
        onState: (state) => this.states.push(state),
      },
    });
  }

  get elapsed(): number {
    return this.clock.now() - this.start;
  }

  launcher(model: Partial<LatencyModel<InvocationRequest>> = {}): LatencyLauncher<InvocationRequest> {
    return new LatencyLauncher(this.clock, { startUp: () => minute, run: () => ({ length: 30 * second }), ...model });
  }

  /** A deployed endpoint, `count` instances in service. */
  async deployed(count = 1, model: Partial<LatencyModel<InvocationRequest>> = {}, concurrency = 1): Promise<this> {
    const deployment = this.endpoint.deploy({ launcher: this.launcher(model), concurrency, initialCount: count });
    await this.clock.advance(minute);
    await deployment;
    return this;
  }

  send(count = 1, limits: { ttl?: number; timeout?: number } = {}): string[] {
    return Array.from({ length: count }, () => {
      this.#requests += 1;
      const inferenceId = `video-${this.#requests}`;
      this.endpoint.enqueue({
        inferenceId,
        receivedAt: this.clock.now(),
        ttl: 6 * 60 * minute,
        timeout: 15 * minute,
        ...limits,
      });
      return inferenceId;
    });
  }

  ended(inferenceId: string): Settlement {
    const settlement = this.settled.get(inferenceId);
    assert.ok(settlement, `${inferenceId} has not ended`);
    return settlement;
  }

  failure(inferenceId: string): Extract<Settlement, { status: "failed" }> {
    const settlement = this.ended(inferenceId);
    assert.ok(settlement.status === "failed", `${inferenceId} did not fail`);
    return settlement;
  }

  gauge(name: string): (number | undefined)[] {
    const metric = { namespace: "AWS/SageMaker", name, dimensions: { EndpointName: "videos" } };
    const points = this.metrics.query({ metric, start: this.start, end: this.clock.now(), period: minute });
    const values = new Map(points.map(({ timestamp, sum }) => [(timestamp - this.start) / minute, sum]));
    return Array.from({ length: Math.floor(this.elapsed / minute) }, (_, index) => values.get(index));
  }

  counted(name: string): number {
    const dimensions = { EndpointName: "videos", VariantName: "main" };
    const metric = { namespace: "AWS/SageMaker", name, dimensions };
    const points = this.metrics.query({ metric, start: this.start, end: this.clock.now() + minute, period: minute });
    return points.reduce((sum, point) => sum + point.sum, 0);
  }
}

describe("an asynchronous endpoint's queue", () => {
  it("hands requests out first in, first out, as many at a time as an instance may have", async () => {
    const bench = await new Bench().deployed(1, {}, 2);
    const sent = bench.send(5);
    assert.deepEqual(bench.started, ["video-1 on main-1", "video-2 on main-1"]);
    assert.equal(bench.endpoint.inProcess, 2);
    assert.equal(bench.endpoint.backlog, 5);
    await bench.clock.advance(90 * second);
    assert.deepEqual([...bench.settled.keys()], sent);
    assert.equal(bench.settledAt.get("video-5"), minute + 90 * second);
    assert.equal(bench.endpoint.backlog, 0);
  });

  it("keeps requests while there is no instance", async () => {
    const bench = await new Bench().deployed(0);
    bench.send(3);
    await bench.clock.advance(60 * minute);
    assert.equal(bench.endpoint.queued, 3);
    void bench.endpoint.setDesired(1);
    await bench.clock.advance(minute + 90 * second);
    assert.equal(bench.settled.size, 3);
  });

  it("lets a request expire once its time to live has passed in the queue (RequestTTLSeconds)", async () => {
    const bench = await new Bench().deployed(0);
    const [id = ""] = bench.send(1, { ttl: 10 * minute });
    await bench.clock.advance(10 * minute - 1);
    assert.equal(bench.settled.size, 0);
    await bench.clock.advance(1);
    assert.equal(bench.failure(id).cause, "expired");
    assert.equal(bench.counted("ExpiredRequests"), 1);
    assert.equal(bench.counted("InvocationsProcessed"), 0);
  });

  it("does not let a request expire that is in process", async () => {
    const bench = await new Bench().deployed(1, { run: () => ({ length: 20 * minute }) });
    const [id = ""] = bench.send(1, { ttl: 10 * minute, timeout: 30 * minute });
    await bench.clock.advance(20 * minute);
    assert.equal(bench.ended(id).status, "completed");
  });
});

describe("an asynchronous endpoint's runs", () => {
  it("are ended by the invocation time-out (InvocationTimeoutSeconds); the request has then failed", async () => {
    const bench = await new Bench().deployed(1, { run: () => ({ length: 20 * minute }) });
    const [slow = "", next = ""] = [...bench.send(1), ...bench.send(1, { timeout: 60 * minute })];
    await bench.clock.advance(15 * minute);
    assert.deepEqual(bench.failure(slow), {
      status: "failed",
      cause: "timeout",
      reason: "The model did not answer within 900 seconds.",
      timings: {},
    });
    assert.equal(bench.counted("InvocationFailures"), 1);
    await bench.clock.advance(20 * minute);
    assert.equal(bench.ended(next).status, "completed");
  });

  it("free their place only when the worker has let go, even after the time-out", async () => {
    const bench = new Bench();
    const release: (() => void)[] = [];
    const instance: Instance<InvocationRequest> = {
      run: () =>
        new Promise<RunOutcome>((resolve) => {
          release.push(() => {
            resolve({ status: "completed", timings: {} });
          });
        }),
      stop: () => Promise.resolve(),
    };
    await bench.endpoint.deploy({
      launcher: { launch: () => Promise.resolve(instance) },
      concurrency: 1,
      initialCount: 1,
    });
    bench.send(2);
    await bench.clock.advance(15 * minute);
    assert.equal(bench.settled.size, 1);
    assert.equal(bench.started.length, 1);
    release[0]?.();
    await bench.clock.advance(0);
    assert.equal(bench.started.length, 2);
    assert.equal(bench.settled.size, 1);
  });

  it("fail with the model's reason, and count its status", async () => {
    const outcome = { status: "failed", reason: "not a video", modelStatus: 415, timings: { model: 20 } } as const;
    const bench = await new Bench().deployed(1, { run: () => ({ length: second, outcome }) });
    const [id = ""] = bench.send();
    await bench.clock.advance(minute);
    assert.deepEqual(bench.failure(id), { ...outcome, cause: "model" });
    assert.equal(bench.counted("Invocation4XXErrors"), 1);
    assert.equal(bench.counted("Invocation5XXErrors"), 0);
    assert.equal(bench.counted("ModelLatency"), 20_000);
  });

  it("are repeated after a 5xx only as often as the switch says", async () => {
    const outcome = { status: "failed", reason: "out of memory", modelStatus: 500, timings: {} } as const;
    for (const retriesAfterServerError of [0, 2]) {
      const bench = await new Bench({ retriesAfterServerError }).deployed(1, {
        run: () => ({ length: second, outcome }),
      });
      bench.send();
      await bench.clock.advance(minute);
      assert.equal(bench.started.length, 1 + retriesAfterServerError);
      assert.equal(bench.settled.size, 1);
    }
  });
});

describe("an asynchronous endpoint's instances", () => {
  it("take a running job with them only after 30 s of grace (SIGTERM, then SIGKILL), and it is queued again, at the head", async () => {
    const bench = await new Bench().deployed(1, { run: () => ({ length: 2 * minute }) });
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
    const bench = await new Bench().deployed(1, { run: () => ({ length: 20 * second }) });
    const [id = ""] = bench.send();
    void bench.endpoint.setDesired(0);
    await bench.clock.advance(minute);
    assert.equal(bench.ended(id).status, "completed");
    assert.equal(bench.endpoint.currentCount, 0);
  });

  it("fail the job that they take with them where the switch says so", async () => {
    const bench = await new Bench({ interrupted: "fail" }).deployed(1, { run: () => ({ length: 2 * minute }) });
    const [id = ""] = bench.send();
    void bench.endpoint.setDesired(0);
    await bench.clock.advance(minute);
    assert.equal(bench.failure(id).cause, "interrupted");
  });

  it("are taken away idle ones first", async () => {
    const bench = await new Bench().deployed(3, { run: () => ({ length: 2 * minute }) });
    bench.send(1);
    void bench.endpoint.setDesired(1);
    await bench.clock.advance(2 * minute);
    assert.equal(bench.endpoint.currentCount, 1);
    assert.deepEqual(bench.started, ["video-1 on main-1"]);
    assert.equal(bench.ended("video-1").status, "completed");
  });

  it("are tried again when they do not start, with growing pauses, and given up after the last attempt", async () => {
    const attempts: number[] = [];
    const bench = await new Bench().deployed(0, {
      startUp: () => {
        attempts.push(bench.elapsed);
        throw new Error("no capacity");
      },
    });
    const scaling = bench.endpoint.setDesired(1);
    const refusal = assert.rejects(
      scaling,
      (error) => error instanceof ScalingFailedError && /no capacity/.test(error.message),
    );
    await bench.clock.advance(10 * minute);
    await refusal;
    assert.deepEqual(attempts, [minute, minute + 30 * second, minute + 90 * second]);
    assert.equal(bench.endpoint.desiredCount, 0);
    assert.equal(bench.endpoint.state, "in-service");
  });

  it("are replaced when they end by themselves, and their jobs run again, but not for ever", async () => {
    const bench = new Bench({ repeatsAfterInterruption: 2 });
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
    const bench = await new Bench().deployed(1);
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
    const bench = await new Bench().deployed(0);
    const update = bench.endpoint.deploy({ launcher: bench.launcher(), concurrency: 1, initialCount: 2 });
    await bench.clock.advance(minute);
    await update;
    assert.equal(bench.endpoint.currentCount, 2);
    assert.equal(bench.endpoint.desiredCount, 2);
  });

  it("roll back to the old fleet when the new one does not start", async () => {
    const bench = await new Bench().deployed(1);
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
    const bench = await new Bench().deployed(1);
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
    const bench = new Bench();
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
      const bench = new Bench();
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

  it("fails what was queued and in process where the switch says so", async () => {
    const bench = await new Bench({ atDeletion: "fail" }).deployed(1);
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

describe("an asynchronous endpoint's metrics", () => {
  it("count what is in process as backlog, and divide it by the instances in service", async () => {
    const bench = await new Bench().deployed(2, { run: () => ({ length: 90 * second }) }, 2);
    bench.send(8);
    await bench.clock.advance(4 * minute);
    assert.deepEqual(bench.gauge("ApproximateBacklogSize"), [undefined, 8, 4, 4, 0]);
    assert.deepEqual(bench.gauge("ApproximateBacklogSizePerInstance"), [undefined, 4, 2, 2, 0]);
  });

  it("say that there is a backlog without capacity while requests wait and no instance is in service", async () => {
    const bench = await new Bench().deployed(0);
    await bench.clock.advance(minute);
    bench.send();
    await bench.clock.advance(minute);
    void bench.endpoint.setDesired(1);
    await bench.clock.advance(2 * minute);
    assert.deepEqual(bench.gauge("HasBacklogWithoutCapacity"), [0, 0, 1, 1, 0]);
    assert.deepEqual(bench.gauge("ApproximateAgeOfOldestRequest"), [0, 0, 59.999, 119.999, 0]);
  });

  it("have either answer about the backlog per instance at zero instances", async () => {
    const expected = { undivided: [0, 7], missing: [undefined, undefined] } as const;
    for (const backlogPerInstanceAtZero of ["undivided", "missing"] as const) {
      const bench = await new Bench({ backlogPerInstanceAtZero }).deployed(0);
      bench.send(7);
      await bench.clock.advance(minute);
      assert.deepEqual(bench.gauge("ApproximateBacklogSizePerInstance"), expected[backlogPerInstanceAtZero]);
    }
  });

  it("measure the wait and the whole processing in milliseconds, the model in microseconds", async () => {
    const bench = await new Bench().deployed(1);
    bench.send(2);
    await bench.clock.advance(2 * minute);
    assert.equal(bench.counted("TimeInBacklog"), 0 + 30_000);
    assert.equal(bench.counted("TotalProcessingTime"), 30_000 + 60_000);
    assert.equal(bench.counted("ModelLatency"), 2 * 30_000_000);
    assert.equal(bench.counted("InvocationsProcessed"), 2);
    assert.equal(bench.counted("InvocationFailures"), 0);
  });

  it("hold the clock exactly while something starts, works or stops", async () => {
    const bench = new Bench();
    const creation = bench.endpoint.deploy({ launcher: bench.launcher(), concurrency: 1, initialCount: 1 });
    assert.equal(bench.clock.holds, 1);
    await bench.clock.advance(minute);
    await creation;
    assert.equal(bench.clock.holds, 0);
    bench.send(2);
    assert.equal(bench.clock.holds, 1);
    await bench.clock.advance(minute);
    assert.equal(bench.clock.holds, 0);
    void bench.endpoint.setDesired(0);
    assert.equal(bench.clock.holds, 1);
    await bench.clock.advance(1);
    assert.equal(bench.clock.holds, 0);
    bench.send(1);
    assert.equal(bench.clock.holds, 0);
  });
});
