/** Tests that the planner agrees with bursts on the emulator's state machine, as the client measures them. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import fc from "fast-check";
import { measurementsOf } from "../../client/cli/burst/measurements.ts";
import type { MeasuredJob, Measurements } from "../../client/cli/burst/measurements.ts";
import type { Durations, EndpointMetrics, Series } from "../../client/cli/burst/metrics.ts";
import type { BurstJob, BurstRun, InstanceSample } from "../../client/cli/burst/run.ts";
import type { MetricId } from "../../emulator/core/metric-types.ts";
import { simpleStatistic } from "../../emulator/core/statistics.ts";
import type { SimpleStatistic } from "../../emulator/core/statistics.ts";
import { minute, second } from "../../emulator/core/endpoint-harness.ts";
import type { ScalingHarness } from "../../emulator/core/scaling-harness.ts";
import { defaults } from "../../infra/defaults.ts";
import { readBurst } from "../../planner/burst.ts";
import type { MeasuredBurst } from "../../planner/burst.ts";
import { assertAgreement, planOf } from "../testing/plan-agreement.ts";
import { scaledEndpoint } from "../testing/scaled-endpoint.ts";

const inputs = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  /** Time between two acceptances, ms. */
  pause: fc.constantFrom(0, 70, 9_000),
  /** Moment of the start within a minute, s: the client's clock has whole seconds. */
  phase: fc.integer({ min: 0, max: 59 }),
  maxCapacity: fc.integer({ min: 1, max: 5 }),
  starts: fc.array(fc.integer({ min: 20, max: 400 }), { minLength: 5, maxLength: 5 }),
  services: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
});

type Input = typeof inputs extends fc.Arbitrary<infer T> ? T : never;

/** Speed of the emulator's clock while nothing starts and nothing runs. */
const speed = 240;

const gauges = { EndpointName: "videos" };
const variant = { ...gauges, VariantName: "main" };

/** A burst in virtual time, with everything that the client sees, and the exact times. */
class WatchedBurst {
  readonly samples: InstanceSample[] = [];
  readonly jobs: BurstJob[] = [];
  /** Exact times of the instances in service or requested, ms. */
  billed = 0;
  readonly #harness: ScalingHarness;
  readonly #input: Input;
  #startedAt = 0;
  #seen = new Map<string, number>();

  constructor(harness: ScalingHarness, input: Input) {
    this.#harness = harness;
    this.#input = input;
  }

  async run(): Promise<void> {
    const { clock, endpoint, settled } = this.#harness.endpoints;
    const { count, pause, phase } = this.#input;
    await clock.runUntil(Math.ceil((clock.now() + 30 * minute) / minute) * minute + phase * second);
    this.#startedAt = clock.now();
    for (let index = 0; index < count; index += 1) {
      clock.setTimer(this.#startedAt + index * pause, () => {
        const [name = ""] = this.#harness.endpoints.send(1);
        // The Date header has whole seconds.
        const acceptedAt = Math.floor(clock.now() / second) * second;
        this.jobs.push({ acceptedAt, ttlSeconds: 21_600, timeoutSeconds: 900 });
        this.#seen.set(name, this.jobs.length - 1);
      });
    }
    let real = 0;
    let nextPoll = 0;
    const end = this.#startedAt + 6 * 60 * minute;
    while (clock.now() < end) {
      const { current, desired, starting, stopping } = endpoint.capacity;
      if (real >= nextPoll) {
        this.samples.push({ at: clock.now(), current, desired });
        for (const [name, index] of this.#seen) if (settled.has(name)) this.#sees(name, index);
        nextPoll = real + 3;
        if (this.#seen.size === 0 && this.jobs.length === count && current + desired === 0) return;
      }
      const isHeld = starting > 0 || stopping > 0 || endpoint.inProcess > 0;
      await clock.advance(second);
      const changed = endpoint.capacity;
      this.billed += second * (Math.max(current, desired) + Math.max(changed.current, changed.desired)) * 0.5;
      real += isHeld ? 1 : 1 / speed;
    }
    assert.fail("The burst has not ended within six hours");
  }

  #sees(name: string, index: number): void {
    const job = this.jobs[index];
    assert.ok(job);
    this.jobs[index] = { ...job, end: { status: "completed", seenAt: this.#harness.endpoints.clock.now() } };
    this.#seen.delete(name);
  }

  get #run(): BurstRun {
    const { count, maxCapacity } = this.#input;
    return {
      ...{ name: "burst", endpointName: "videos", environment: "emulator", devices: [], inputBytes: 1, outputBytes: 1 },
      ...{ instanceType: "ml.g4dn.xlarge", concurrency: 1, maxCapacity, accepted: count, completed: count },
      ...{ failed: 0, expired: 0, jobs: this.jobs, instances: this.samples },
      startedAt: new Date(this.#startedAt),
      endedAt: new Date(this.samples.at(-1)?.at ?? 0),
    };
  }

  #series(name: string, of: SimpleStatistic, place: Partial<Pick<MetricId, "namespace" | "dimensions">> = {}): Series {
    const metric: MetricId = { namespace: "AWS/SageMaker", name, dimensions: variant, ...place };
    const { metrics, clock } = this.#harness.endpoints;
    const start = Math.floor(this.#startedAt / minute) * minute;
    const points = metrics.query({ metric, start, end: clock.now() + minute, period: minute });
    return points.map((point) => ({ minute: point.timestamp, value: simpleStatistic(point, of) }));
  }

  #durations(name: string, perSecond: number): Durations {
    const scaled = (of: SimpleStatistic) => {
      return this.#series(name, of).map((point) => ({ ...point, value: point.value / perSecond }));
    };
    return { sum: scaled("Sum"), count: this.#series(name, "SampleCount"), max: scaled("Maximum") };
  }

  /** Measurements that the command `burst` writes. */
  get measurements(): Measurements {
    const metrics: EndpointMetrics = {
      backlog: this.#series("ApproximateBacklogSize", "Maximum", { dimensions: gauges }),
      backlogPerInstance: [],
      processed: this.#series("InvocationsProcessed", "Sum"),
      failed: [],
      expired: [],
      inBacklog: this.#durations("TimeInBacklog", 1e3),
      inModel: this.#durations("ModelLatency", 1e6),
      total: this.#durations("TotalProcessingTime", 1e3),
      instances: this.#series("CPUUtilization", "SampleCount", { namespace: "/aws/sagemaker/Endpoints" }),
    };
    return measurementsOf(this.#run, metrics);
  }

  /** The same with exact times. */
  get exact(): Measurements {
    const { settledAt, started, start } = this.#harness.endpoints;
    const jobs = Array.from({ length: this.#input.count }, (_, index): MeasuredJob => {
      const arrival = index * this.#input.pause;
      const total = start + (settledAt.get(`video-${index + 1}`) ?? NaN) - this.#startedAt - arrival;
      return {
        arrival: arrival / 1_000,
        service: serviceOf(this.#input, index),
        total: total / 1_000,
        status: "completed",
      };
    });
    assert.equal(started.length, this.#input.count, "a video was interrupted");
    const startSeconds = this.#input.starts;
    return { ...this.measurements, jobs, startSeconds, instanceHours: this.billed / 3_600_000 };
  }
}

function serviceOf({ services }: Input, index: number): number {
  return services[index % services.length] ?? 1;
}

async function watched(input: Input): Promise<WatchedBurst> {
  let starts = 0;
  const harness = await scaledEndpoint({
    settings: { maxCapacity: input.maxCapacity },
    assumptions: { metricDelay: minute },
    model: {
      startUp: () => (input.starts[starts++] ?? NaN) * second,
      run: ({ inferenceId }) => ({ length: serviceOf(input, Number(inferenceId.slice(6)) - 1) * second }),
    },
  });
  const burst = new WatchedBurst(harness, input);
  await burst.run();
  return burst;
}

describe("the plan of a measured burst", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "burst-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function read(measurements: Measurements): Promise<MeasuredBurst> {
    const file = join(folder, "measurements.json");
    await writeFile(file, JSON.stringify(measurements));
    return await readBurst(file);
  }

  it("has its drain, waits and times exactly if it gets the exact times", async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        const burst = await read((await watched(input)).exact);
        const { drain_minutes, wait_seconds, total_seconds, instance_hours } = await planOf(burst, defaults);
        const { instance_hours: hours, ...times } = burst.result;
        assert.deepEqual({ drain_minutes, wait_seconds, total_seconds }, times);
        // The test counts instances once a second.
        assert.ok(Math.abs(instance_hours - (hours ?? NaN)) <= 0.01, `${instance_hours} ${hours}`);
      }),
      { numRuns: 25 },
    );
  }).timeout(120_000);

  it("agrees with what the client measures: times within 10 % or a minute, instance-hours within 10 %", async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        // Of videos that end in one minute, CloudWatch only has the average.
        const measured = await watched({ ...input, services: input.services.slice(0, 1) });
        await assertAgreement(await read(measured.measurements), defaults);
      }),
      { numRuns: 25 },
    );
  }).timeout(120_000);
});
