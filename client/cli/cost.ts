/** Computes what a burst or a submission has cost: bounds, because AWS does not report the time of each instance. */
import { instanceTypes, pricesAsOf, pricesRegion } from "../../policies/instance-types.ts";
import { instancesLimitSeconds } from "../src/capacity.ts";
import { plural } from "../src/format.ts";
import type { BurstRun } from "./burst/run.ts";
import { instancesFor } from "./price.ts";
import type { Sizing } from "./price.ts";
import type { RequestNoun } from "./request-counts.ts";

/** Lower and upper bound. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Cost of the instances that a burst has seen. */
export interface BurstCost {
  /** Until the watch ended. */
  readonly instanceHours: Bounds;
  /** Until the watch ended, USD; null if no price of the instance type is known. */
  readonly usd: Bounds | null;
  /** Instances that were in service or requested when the watch ended: their time until they stop is not included. */
  readonly stillRunning: number;
}

/**
 * Computes the cost of a burst from the observed numbers of instances. The lower bound has instances in service. The
 * upper bound also has those that start or stop, because AWS does not say whether they are billed.
 * @returns null on the emulator, and if the instances were never observed
 */
export function burstCost({ environment, instanceType, startedAt, instances }: BurstRun): BurstCost | null {
  const [first, last] = [instances.at(0), instances.at(-1)];
  if (environment === "emulator" || first === undefined || last === undefined) return null;
  const samples = [{ ...first, at: Math.min(startedAt.getTime(), first.at), current: 0 }, ...instances];
  let [min, max] = [0, 0];
  for (const [index, sample] of instances.entries()) {
    const before = samples[index] ?? sample;
    const hours = (sample.at - before.at) / 3_600_000;
    min += hours * Math.min(before.current, sample.current);
    max += hours * Math.max(before.current, before.desired, sample.current, sample.desired);
  }
  const price = instanceTypes.get(instanceType)?.price;
  return {
    instanceHours: { min, max },
    usd: price === undefined ? null : { min: min * price, max: max * price },
    stillRunning: Math.max(last.current, last.desired),
  };
}

/** Describes the cost of a burst. */
export function describeBurstCost(cost: BurstCost | null, { environment, instanceType }: BurstPlace): string {
  if (environment === "emulator") return "none (AWS emulator)";
  if (cost === null) return "no data";
  const { instanceHours, usd, stillRunning } = cost;
  const hours = `${range(instanceHours)} instance-hours`;
  const price = instanceTypes.get(instanceType)?.price;
  if (usd === null || price === undefined) return `${hours}; ${unknownPrice(instanceType)}`;
  const more = ((stillRunning * instancesLimitSeconds) / 3600) * price;
  const rest =
    stillRunning === 0 ? "" : `; up to ${amount(more)} USD more until ${plural(stillRunning, "instance")} stopped`;
  return `${range(usd)} USD for ${hours}${rest} (${basis(price)})`;
}

/** Environment and instance type of a burst. */
type BurstPlace = Pick<BurstRun, "environment" | "instanceType">;

/** A job that was accepted. */
export interface SpentJob {
  /** Processing time from its result; undefined if it is not known. */
  readonly seconds?: number | undefined;
  /** Longest run of the job, seconds. */
  readonly timeoutSeconds: number;
}

/**
 * Describes the cost of a submission's jobs. The lower bound is the known processing time on full instances. The upper
 * bound has the time limit of the other jobs, and the maximum time to start and stop the instances.
 * @param noun what a job is called
 */
export function describeJobsCost(outputs: Sizing, jobs: readonly SpentJob[], noun: RequestNoun = "job"): string {
  const { awsEndpointUrl, instanceType, maxConcurrency } = outputs;
  if (awsEndpointUrl !== undefined) return "none (AWS emulator)";
  const price = instanceTypes.get(instanceType)?.price;
  const known = jobs.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  const processing = `${plural(jobs.length, noun)} with ${known.toFixed(1)} s of processing`;
  if (price === undefined) return `${processing}; ${unknownPrice(instanceType)}`;
  const longest = jobs.map(({ seconds, timeoutSeconds }) => seconds ?? timeoutSeconds);
  const total = longest.reduce((sum, seconds) => sum + seconds, 0);
  const instances = instancesFor(outputs, jobs.length);
  // As in the estimate before: instances are full, except at the end.
  const busy = Math.min(total, total / maxConcurrency + instances * longest.reduce((a, b) => Math.max(a, b), 0));
  const usd = {
    min: (price * known) / maxConcurrency / 3600,
    max: (price * (busy + instances * instancesLimitSeconds)) / 3600,
  };
  const unknown = jobs.filter(({ seconds }) => seconds === undefined).length;
  const limits = unknown === 0 ? "" : `, up to the time limit of ${plural(unknown, noun)} without a result`;
  return (
    `between ${range(usd, " and ")} USD: ${processing}${limits}, and up to ${plural(instancesLimitSeconds / 60, "minute")} to start and stop ` +
    `${plural(instances, "instance")} (${basis(price)}; S3 and requests not counted)`
  );
}

function unknownPrice(instanceType: string): string {
  return `cost unknown: policies/instance-types.ts has no price of ${instanceType}`;
}

function basis(price: number): string {
  return `${price} USD an hour in ${pricesRegion} on ${pricesAsOf}`;
}

/** Rounds the bounds outwards. */
function range({ min, max }: Bounds, between = " to "): string {
  return `${(Math.floor(min * 100) / 100).toFixed(2)}${between}${amount(max)}`;
}

function amount(max: number): string {
  // A product such as 1.1 times 100 is slightly more than 110.
  return (Math.ceil(max * 100 - 1e-9) / 100).toFixed(2);
}
