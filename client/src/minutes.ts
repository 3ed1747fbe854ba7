/** Minutes of the service's time: the periods of CloudWatch's metrics. */

/** A minute, ms. */
export const minuteMs = 60_000;

/** Returns the start of the minute that contains a moment. */
export function minuteOf(moment: number): number {
  return Math.floor(moment / minuteMs) * minuteMs;
}
