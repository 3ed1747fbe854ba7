/** Minutes of the service's time: the periods of CloudWatch's metrics. */

/** A minute, ms. */
export const MINUTE_MS = 60_000;

/** The beginning of the minute that a moment is in. */
export function minuteOf(moment: number): number {
  return Math.floor(moment / MINUTE_MS) * MINUTE_MS;
}
