/** Tests that the stack's scaling stops no counted video and returns to zero, under every assumption about AWS. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Assumptions } from "../emulator/core/assumptions.ts";
import type { Settlement } from "../emulator/core/endpoint-api.ts";
import { idleInstancesAlarm } from "../infra/scaling.ts";
import { drawLoad } from "./load.ts";
import { plannedVariant, simulate } from "./simulation.ts";
import { testSettings } from "./testing/settings.ts";

const minute = 60_000;

/** All combinations of the values of each assumption. */
function combinations(values: { readonly [Name in keyof Assumptions]?: readonly Assumptions[Name][] }) {
  return Object.entries(values).reduce<Partial<Assumptions>[]>(
    (all, [name, choices]) => all.flatMap((each) => choices.map((choice) => ({ ...each, [name]: choice }))),
    [{}],
  );
}

const every = combinations({
  metricDelay: [0, 60_000, 180_000],
  partialCapacity: ["some", "none"],
  stepEquality: ["by-value", "by-alarm"],
  metricMathValue: ["value", "breach-only"],
  gaugesWhileIdle: [true, false],
  backlogPerInstanceAtZero: ["missing", "undivided", "undivided-while-backlog"],
  interrupted: ["requeue", "fail"],
});

interface Interruption {
  readonly index: number;
  readonly arrivedAt: number;
  /** Decision that stopped the instance, ms from the start of the load. */
  readonly decidedAt: number;
}

/** Records what happens to each video. */
class Recorder {
  readonly runs = new Map<number, number>();
  readonly settled = new Map<number, Settlement>();
  readonly violations: string[] = [];
  readonly stops: number[] = [];
  readonly interruptions: Interruption[] = [];
  readonly #arrivedAt = new Map<number, number>();
  readonly #max: number;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  onArrived(index: number, at: number): void {
    this.#arrivedAt.set(index, at);
  }

  onScaling(count: number, at: number): void {
    if (count < 0 || count > this.#max) this.violations.push(`${count} instances are requested`);
    if (count < this.#count) this.stops.push(at);
    this.#count = count;
  }

  onStarted(index: number): void {
    const runs = (this.runs.get(index) ?? 0) + 1;
    this.runs.set(index, runs);
    if (runs > 1) this.#interrupted(index);
  }

  onSettled(index: number, _at: number, settlement: Settlement): void {
    if (this.settled.has(index)) this.violations.push(`video ${index} has ended twice`);
    this.settled.set(index, settlement);
    if (settlement.status === "failed" && settlement.cause === "interrupted") this.#interrupted(index);
  }

  #interrupted(index: number): void {
    const decidedAt = this.stops.at(-1) ?? NaN;
    this.interruptions.push({ index, arrivedAt: this.#arrivedAt.get(index) ?? NaN, decidedAt });
  }
}

/** Returns the moment of the newest datapoint that an alarm sees, for a load that starts `phase` ms after a minute. */
function newestDatapoint(decidedAt: number, phase: number, delay: number): number {
  return Math.floor((decidedAt + phase - delay) / minute) * minute - 1 - phase;
}

/** Minutes: longer than any simulation. */
const lasting = 100_000;

/**
 * Tells whether one instance starts while AWS cannot start all that are requested. If AWS then starts none, and the metric of target tracking
 * is the whole backlog at zero instances, target tracking requests all of them each minute, and the largest request wins.
 */
function canStartOne({ partialCapacity, backlogPerInstanceAtZero }: Partial<Assumptions>): boolean {
  return partialCapacity !== "none" || backlogPerInstanceAtZero === "missing";
}

/** The assumptions that meet the combinations only in pairs. */
const others = fc.record({
  startingCountsAsCapacity: fc.boolean(),
  oldestRequestAmong: fc.constantFrom("queued" as const, "queued-and-in-process" as const),
  processedMetricName: fc.constantFrom("InvocationsProcessed" as const, "InvocationsProcesssed" as const),
  launchAttempts: fc.constantFrom(1, 3),
  stopGrace: fc.constantFrom(0, 30_000),
  stoppedCountInCooldown: fc.boolean(),
});

const load = fc.record({
  others,
  seed: fc.nat(1_000_000),
  burst: fc.nat(14),
  kind: fc.constantFrom("poisson" as const, "steady" as const),
  /** 17 steady ones an hour leave no five idle minutes in a row, but ten of 15. */
  perHour: fc.constantFrom(4, 12, 17),
  mean: fc.constantFrom(30, 75, 600),
  phase: fc.integer({ min: 0, max: 59_999 }),
  max: fc.constantFrom(1, 3, 5),
  /** Minutes from the start during which AWS has only `few` instances. */
  shortage: fc.constantFrom(0, 0, 40, lasting),
  few: fc.constantFrom(0, 1, 2),
});

type Case = typeof load extends fc.Arbitrary<infer T> ? T : never;

async function check(combination: Partial<Assumptions>, startMinutes: number, given: Case): Promise<void> {
  const assumptions = { ...given.others, ...combination };
  const { seed, burst, kind, perHour, mean, phase, max, few } = given;
  const shortage = given.shortage === lasting && !canStartOne(assumptions) ? 40 : given.shortage;
  // A shortage that lasts leaves one instance at least: without any, no scaling helps.
  const least = shortage === lasting ? Math.max(1, few) : few;
  const recorder = new Recorder(max);
  const limits = { maxCapacity: max, invocationTimeout: 3_600, timeToLive: 48 * 3_600 };
  const settings = { ...testSettings, ...limits, startMinutes };
  const arrivals = { kind, perHour, hours: 1 };
  const drawn = drawLoad({ burst: burst + 1, arrivals, service: { kind: "lognormal", mean, p95: 2 * mean } }, seed);
  const end = await simulate(settings, drawn, {
    assumptions,
    phase,
    observer: recorder,
    watching: { backstop: idleInstancesAlarm(plannedVariant) },
    available: (at) => (at < shortage * minute ? least : Infinity),
  });
  const { metricDelay = minute, interrupted = "requeue", gaugesWhileIdle = true } = assumptions;
  assert.deepEqual(recorder.violations, []);
  for (const { index, arrivedAt, decidedAt } of recorder.interruptions) {
    const counted = newestDatapoint(decidedAt, phase, metricDelay);
    assert.ok(arrivedAt > counted, `video ${index} of ${arrivedAt} was counted at ${counted} and stopped`);
  }
  assert.equal(recorder.settled.size, drawn.arrivals.length);
  for (const [index, settlement] of recorder.settled) {
    const runs = recorder.runs.get(index) ?? 0;
    assert.ok(runs <= 2, `video ${index} has run ${runs} times`);
    if (settlement.status === "completed") continue;
    assert.ok(interrupted === "fail" && settlement.cause === "interrupted", `video ${index}: ${settlement.cause}`);
  }
  if (gaugesWhileIdle) assert.equal(end.instances, 0);
  else assert.ok(end.instances === 0 || end.inAlarm.includes("backstop"));
}

/**
 * Minutes to start an instance. If it starts soon, the first datapoints with an instance come while alarms still see older ones, and the
 * alarm on mostly idle minutes is still in ALARM when the first video runs.
 */
const startTimes = [1, 2, 4, 10];

describe("the stack's scaling", () => {
  for (const [index, startMinutes] of startTimes.entries()) {
    it(`stops no counted video, lets none wait and returns to zero, under all assumptions, with ${startMinutes} min to start`, async () => {
      let seed = 1_000 * index;
      for (const combination of every) {
        await fc.assert(
          fc.asyncProperty(load, (given) => check(combination, startMinutes, given)),
          { numRuns: 1, seed: (seed += 1) },
        );
      }
    }).timeout(120_000);
  }
});
