/** Runs a load through the emulator's state machine in virtual time. */

import { Alarms } from "../emulator/core/alarms.ts";
import type { Assumptions } from "../emulator/core/assumptions.ts";
import { Autoscaler } from "../emulator/core/autoscaler.ts";
import type { Settlement } from "../emulator/core/endpoint-api.ts";
import { AsyncEndpoint } from "../emulator/core/endpoint.ts";
import { MetricStore } from "../emulator/core/metrics.ts";
import { VirtualClock } from "../emulator/core/virtual-clock.ts";
import { scalingOf } from "../infra/scaling.ts";
import type { Alarm } from "../infra/scaling-types.ts";
import { BilledLauncher } from "./billed-launcher.ts";
import type { PlannedRequest } from "./billed-launcher.ts";
import type { Load } from "./load.ts";
import { alarmSettings, applyScaling } from "./scaling.ts";
import type { KnownScaling } from "./scaling.ts";
import type { PlanSettings } from "./settings.ts";

/** Observer of a simulation. Videos are numbered by their position in the load; times are ms from the start of the load. */
export interface SimulationObserver {
  onArrived?(index: number, at: number): void;
  /** Called at the start of each run of a video. */
  onStarted?(index: number, at: number): void;
  /** Called exactly once for each video. */
  onSettled?(index: number, at: number, settlement: Settlement): void;
  /** Called before each change of the desired number of instances. */
  onScaling?(count: number, at: number): void;
  /**
   * Called at the end of each minute from the start of the load.
   * @param instances number of instances in service
   * @param billed time of all instances since the start of the load, ms
   */
  onMinute?(instances: number, billed: number): void;
}

/** Options of a simulation. */
export interface SimulationOptions {
  /** Open questions about AWS: deviations from the emulator's defaults. */
  readonly assumptions?: Partial<Assumptions> | undefined;
  /** Policies and alarms. @default those that the stack's settings give */
  readonly scaling?: KnownScaling | undefined;
  /** Alarms that only watch, by name. @default none */
  readonly watching?: Readonly<Record<string, Alarm<string, number>>> | undefined;
  /** Returns the number of instances that AWS has, at ms from the start. @default no limit */
  readonly available?: ((at: number) => number) | undefined;
  /** Time to start each of the first instances, in the order of their launch, ms. @default the settings' startMinutes */
  readonly startUps?: readonly number[] | undefined;
  /** Time from a publication of the metrics to the start of the load, ms, less than a minute. @default 0 */
  readonly phase?: number | undefined;
  /** Minimum time from the end of the last video to the end of the simulation, ms. @default 0 */
  readonly tail?: number | undefined;
  readonly observer?: SimulationObserver | undefined;
}

/** Final state of a simulation. */
export interface SimulationEnd {
  /** End of the last video, ms from the start of the load. */
  readonly drained: number;
  /** Time from launch to termination of all instances, ms. */
  readonly billed: number;
  /** Time of all runs, ms. */
  readonly busy: number;
  /** Maximum number of instances in service. */
  readonly peak: number;
  /** Number of instances at the end, also of those that start or stop. */
  readonly instances: number;
  /** Names of the alarms in ALARM at the end. */
  readonly inAlarm: readonly string[];
}

/** The simulated endpoint's variant. */
export const plannedVariant = { endpointName: "plan", variantName: "plan" };

const resourceId = "endpoint/plan/variant/plan";
const minute = 60_000;

/** A Monday, at midnight UTC. */
const loadStart = Date.UTC(2026, 0, 5);

/** Instances that do not stop within this time after the last video count as instances that never stop, ms. */
const longestTail = 3 * 60 * minute;

/** Simulates an idle endpoint that gets a load, until its instances have stopped. */
export async function simulate(
  settings: PlanSettings,
  load: Load,
  options: SimulationOptions = {},
): Promise<SimulationEnd> {
  const { assumptions = {}, observer = {}, watching = {}, phase = 0, tail = 0, startUps = [] } = options;
  const { scaling = scalingOf(settings, plannedVariant), available = () => Infinity } = options;
  const { maxConcurrency, timeToLive, invocationTimeout, startMinutes } = settings;
  const defined = [...Object.values(scaling.alarms).map(({ alarm }) => alarm), ...Object.values(watching)];
  // The alarms of an idle endpoint have their final state when the load starts. Target tracking's alarms need 15 minutes.
  const range = Math.max(20 * minute, ...defined.map(rangeOf)) + 2 * minute + (assumptions.metricDelay ?? minute);
  const start = loadStart + phase;
  const clock = new VirtualClock(loadStart - Math.ceil(range / minute) * minute);
  const elapsed = (): number => clock.now() - start;

  const metrics = new MetricStore(clock, { retention: 2 * range });
  const alarms = new Alarms({ clock, metrics, assumptions });
  let settled = 0;
  let drained = 0;
  const endpoint = new AsyncEndpoint<PlannedRequest>({
    ...{ name: plannedVariant.endpointName, arn: "arn", variant: plannedVariant.variantName },
    ...{ clock, metrics, assumptions },
    listener: {
      onStarted: ({ index }) => observer.onStarted?.(index, elapsed()),
      onSettled({ index }, settlement) {
        settled += 1;
        drained = elapsed();
        observer.onSettled?.(index, drained, settlement);
      },
    },
  });
  let uuids = 0;
  const autoscaler = new Autoscaler({
    ...{ clock, alarms, assumptions, region: "us-east-1", accountId: "000000000000" },
    capacity: {
      current: () => endpoint.desiredCount,
      set(_, count) {
        observer.onScaling?.(count, elapsed());
        return endpoint.setDesired(count);
      },
    },
    uuid: () => String((uuids += 1)),
  });
  const launcher = new BilledLauncher({
    clock,
    startUpOf: (index) => startUps[index] ?? startMinutes * minute,
    durationOf: (index) => load.durations[index] ?? NaN,
    available: () => available(elapsed()),
  });
  await endpoint.deploy({ launcher, concurrency: maxConcurrency, initialCount: 0 });
  applyScaling(scaling, { autoscaler, alarms, resourceId });
  for (const [name, alarm] of Object.entries(watching)) alarms.put(alarmSettings(name, alarm, []));
  await clock.runUntil(start - 1);
  const before = launcher.billed;

  const { arrivals } = load;
  const arrive = (from: number): void => {
    const at = arrivals[from];
    if (at === undefined) return;
    clock.setTimer(start + at, () => {
      let index = from;
      for (; arrivals[index] === at; index += 1) {
        observer.onArrived?.(index, at);
        const request = { ttl: timeToLive * 1_000, timeout: invocationTimeout * 1_000, inferenceId: "planned" };
        endpoint.enqueue({ index, receivedAt: clock.now(), ...request });
      }
      arrive(index);
    });
  };
  arrive(0);

  const instances = (): number => {
    const { current, starting, stopping } = endpoint.capacity;
    return current + starting + stopping;
  };
  const isAtRest = (): boolean => instances() <= (autoscaler.target(resourceId)?.min ?? 0);
  do {
    await clock.advance(minute);
    observer.onMinute?.(endpoint.capacity.current, launcher.billed - before);
  } while (settled < arrivals.length || elapsed() < drained + (isAtRest() ? tail : Math.max(tail, longestTail)));
  return {
    drained,
    billed: launcher.billed - before,
    busy: launcher.busy,
    peak: launcher.peak,
    instances: instances(),
    inAlarm: alarms.list().flatMap(({ state, settings: { name } }) => (state === "ALARM" ? [name] : [])),
  };
}

/** Returns the time that an alarm covers, ms. */
function rangeOf({ period, metricQueries = [], evaluationPeriods }: Alarm<string, number>): number {
  const seconds = period ?? Math.max(...metricQueries.map(({ metric }) => metric?.period ?? 0));
  return seconds * 1_000 * (evaluationPeriods + 2);
}
