/** Moves the window of a query by the machine's clock to the stack's clock, which may be days ahead. */

import type { Clock } from "../../core/clock.ts";

/** Maximum time by which the end of a query by the machine's clock may be after that clock, ms. */
const tolerance = 10 * 60_000;

/** Options of {@link WallClockQueries}. */
export interface WallClockOptions {
  readonly clock: Clock;
  /** Returns the machine's time, ms since the epoch. @default Date.now */
  readonly wallTime?: (() => number) | undefined;
  /**
   * True if a query whose window ends at or before the machine's time, with the tolerance, is about that clock: SDKs and
   * the CLI ask for "the last hour" by it. False if every query is about the stack's clock, as on AWS, where both are the
   * same.
   * @default true
   */
  readonly wallClockQueries?: boolean | undefined;
}

/** Tells which queries are about the machine's clock, and by how much their windows move. */
export class WallClockQueries {
  readonly #options: WallClockOptions;

  constructor(options: WallClockOptions) {
    this.#options = options;
  }

  /**
   * Returns the time by which the window of a query moves, a multiple of `period`, ms: 0 if the query is about the stack's
   * clock, or if that clock is hardly ahead. Subtract it from the timestamps of the answer.
   * @param end end of the window; undefined if the query has none
   */
  shift(end: Date | undefined, period = 1): number {
    const { clock, wallTime = Date.now, wallClockQueries = true } = this.#options;
    const wall = wallTime();
    const ahead = clock.now() - wall;
    if (!wallClockQueries || end === undefined || end.getTime() > wall + tolerance || ahead <= tolerance) return 0;
    return Math.ceil(ahead / period) * period;
  }
}
