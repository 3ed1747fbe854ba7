/** Percentiles of times. */

/** Percentiles, and the maximum. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Rounds to `digits` decimals; a quotient of zeros becomes 0. */
export function rounded(value: number, digits = 3): number {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : 0;
}

/** Returns percentiles in seconds of the times that are known, ms; NaN stands for an unknown time. */
export function percentilesOf(times: Float64Array): Percentiles {
  const sorted = times.filter((time) => !Number.isNaN(time)).sort();
  const at = (share: number): number => {
    return rounded((sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0) / 1_000);
  };
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
}
