/** The load of a plan: when videos arrive, and how long each takes. */

import { randomExponential, randomLcg, randomLogNormal } from "d3-random";
import { InvalidInputError } from "../lib/errors.ts";

/** Arrivals after the start. */
export type Arrivals =
  | { readonly kind: "poisson" | "steady"; readonly perHour: number; readonly hours: number }
  /** Seconds from the start. */
  | { readonly kind: "times"; readonly seconds: readonly number[] };

/** Processing time of one video, seconds. */
export type ServiceTime =
  | { readonly kind: "fixed"; readonly seconds: number }
  | { readonly kind: "lognormal"; readonly mean: number; readonly p95: number }
  /** Each video takes one of these times, drawn at random. */
  | { readonly kind: "measured"; readonly seconds: readonly number[] };

/** Description of a load. */
export interface LoadSpecification {
  /** Number of videos at the start. @default 0 */
  readonly burst?: number | undefined;
  /** @default none */
  readonly arrivals?: Arrivals | undefined;
  readonly service: ServiceTime;
}

/** A load: one arrival and one processing time per video, in the order of arrival. */
export interface Load {
  /** Milliseconds from the start. */
  readonly arrivals: Float64Array;
  /** Milliseconds. */
  readonly durations: Float64Array;
}

/** A source of numbers from 0 to 1. */
type Source = () => number;

/**
 * Draws a load; the same seed gives the same load.
 * @param seed any number
 * @throws InvalidInputError for a load without videos, or an impossible distribution
 */
export function drawLoad({ burst = 0, arrivals, service }: LoadSpecification, seed: number): Load {
  const later = arrivals === undefined ? [] : arrivalTimes(arrivals, sourceOf(seed, 1));
  const times = new Float64Array(burst + later.length);
  for (const [index, seconds] of later.toSorted((left, right) => left - right).entries()) {
    times[burst + index] = Math.round(seconds * 1_000);
  }
  if (times.length === 0) {
    throw new InvalidInputError("The plan has no videos.", { hint: "give --burst or --arrivals" });
  }
  const draw = drawTime(service, sourceOf(seed, 2));
  return { arrivals: times, durations: Float64Array.from(times, () => Math.max(1, Math.round(draw() * 1_000))) };
}

/** Returns the n-th independent source of a seed. */
function sourceOf(seed: number, n: number): Source {
  // The first numbers of neighbouring seeds are similar.
  const source = randomLcg(Math.imul(seed + 1, 0x9e37_79b1) + Math.imul(n, 0x85eb_ca6b));
  for (let index = 0; index < 16; index += 1) source();
  return source;
}

function arrivalTimes(arrivals: Arrivals, source: Source): number[] {
  if (arrivals.kind === "times") return [...arrivals.seconds];
  const { perHour, hours } = arrivals;
  const end = hours * 3_600;
  const pause = arrivals.kind === "steady" ? (): number => 3_600 / perHour : exponential(perHour / 3_600, source);
  const times: number[] = [];
  for (let at = pause(); at <= end; at += pause()) times.push(at);
  return times;
}

function exponential(rate: number, source: Source): () => number {
  return randomExponential.source(source)(rate);
}

/** Quantile of the standard normal distribution at 95 %. */
const z95 = 1.644_853_626_951_472_7;

function drawTime(service: ServiceTime, source: Source): () => number {
  switch (service.kind) {
    case "fixed":
      return () => service.seconds;
    case "measured":
      return () => service.seconds[Math.floor(source() * service.seconds.length)] ?? NaN;
    case "lognormal": {
      const { mean, p95 } = service;
      // mean = exp(mu + sigma^2 / 2) and p95 = exp(mu + z95 sigma), so sigma^2 / 2 - z95 sigma + ln(p95 / mean) = 0.
      const discriminant = z95 ** 2 - 2 * Math.log(p95 / mean);
      if (!(p95 > mean) || discriminant < 0) {
        const most = Math.floor(Math.exp(z95 ** 2 / 2) * 100) / 100;
        throw new InvalidInputError(
          `No log-normal distribution has the mean ${mean} and the 95th percentile ${p95}: it is above the mean, and at most ${most} times as much.`,
        );
      }
      const sigma = z95 - Math.sqrt(discriminant);
      return randomLogNormal.source(source)(Math.log(mean) - sigma ** 2 / 2, sigma);
    }
  }
}
