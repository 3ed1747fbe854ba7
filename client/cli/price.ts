/** Computes an upper bound of the jobs' price, from the price of an instance and the stack's limits. */
import { instanceTypes, pricesAsOf, pricesRegion } from "../../policies/instance-types.ts";
import { instancesLimitSeconds } from "../src/capacity.ts";
import type { StackOutputs } from "../src/outputs.ts";
import { plural } from "../src/format.ts";
import type { RequestNoun } from "./request-counts.ts";

/** Price of jobs. */
export type Price =
  /** The stack runs on the emulator. */
  | { readonly kind: "none" }
  /** No price of the instance type is known. */
  | { readonly kind: "unknown" }
  | { readonly kind: "at most"; readonly usd: number };

/** Jobs of an estimate. */
export interface EstimatedJobs {
  readonly jobs: number;
  /** Noun for a job. @default "job" */
  readonly noun?: RequestNoun | undefined;
  /** Longest run of one job, seconds. */
  readonly timeoutSeconds: number;
}

/** Outputs of a stack that determine a price. */
export type Sizing = Pick<StackOutputs, "awsEndpointUrl" | "instanceType" | "maxCapacity" | "maxConcurrency">;

/**
 * Computes an upper bound of the price, USD: each job takes its whole time limit, and each instance that they can start
 * also takes the maximum time to start and to stop. A job's real duration is not known before it runs.
 */
export function priceOf(outputs: Sizing, { jobs, timeoutSeconds }: EstimatedJobs): Price {
  const { awsEndpointUrl, instanceType } = outputs;
  if (awsEndpointUrl !== undefined) return { kind: "none" };
  const hourly = instanceTypes.get(instanceType)?.price;
  if (hourly === undefined) return { kind: "unknown" };
  const instances = instancesFor(outputs, jobs);
  // A full queue keeps each instance busy with its maximum of concurrent jobs; the last ones may run apart.
  const runs = Math.min(jobs, Math.ceil(jobs / outputs.maxConcurrency) + instances);
  const seconds = runs * timeoutSeconds + instances * instancesLimitSeconds;
  return { kind: "at most", usd: (hourly * seconds) / 3600 };
}

/** Describes a price and its basis in one sentence. */
export function describePrice(outputs: Sizing, estimated: EstimatedJobs): string {
  const { instanceType, maxConcurrency } = outputs;
  const price = priceOf(outputs, estimated);
  switch (price.kind) {
    case "none":
      return "no cost (AWS emulator on this machine)";
    case "unknown":
      return `price unknown: policies/instance-types.ts has no price of ${instanceType}`;
    case "at most": {
      const { jobs, noun = "job", timeoutSeconds } = estimated;
      const instances = plural(instancesFor(outputs, jobs), "instance");
      return (
        `at most ${usd(price.usd)}: ${plural(jobs, noun)} of up to ${timeoutSeconds} s each, ${maxConcurrency} at a time on an instance, and up to ` +
        `${plural(instancesLimitSeconds / 60, "minute")} to start and stop ${instances} (${instanceType} at ${instanceTypes.get(instanceType)?.price ?? ""} USD an hour in ` +
        `${pricesRegion} on ${pricesAsOf}; S3 and requests not counted). How long a ${noun} really takes is not known.`
      );
    }
  }
}

/** Returns the number of instances that the jobs can start. */
export function instancesFor({ maxCapacity }: Sizing, jobs: number): number {
  return Math.min(Math.max(1, maxCapacity), jobs);
}

/** Rounds up to two digits: more would suggest a precision that an upper bound does not have. */
function usd(amount: number): string {
  if (amount === 0) return "0 USD";
  const unit = 10 ** (Math.floor(Math.log10(amount)) - 1);
  return `${Number((Math.ceil(amount / unit - 1e-9) * unit).toPrecision(2))} USD`;
}
