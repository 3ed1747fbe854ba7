/** The Date header of responses, and the real times at which it had its values. */

import type { Clock } from "../core/clock.ts";

/** Smallest change of the distance between both clocks that is remembered, ms. */
const resolution = 1_000;

/** Maximum number of remembered responses; the oldest are forgotten first. */
const longestMemory = 20_000;

/**
 * Tells clients the stack's time. A client that corrects its clock by a Date header runs at real speed from then on, so
 * its signing times can be converted to real times.
 */
export class StackDate {
  readonly #clock: Clock;
  readonly #now: () => number;
  /** Stack and real times (ms) of responses, in their order. */
  readonly #told: { readonly stack: number; readonly real: number }[] = [];

  /**
   * @param clock the stack's; it runs ahead of the machine's while the stack is idle
   * @param now the machine's clock, ms since 1970
   */
  constructor(clock: Clock, now: () => number = Date.now) {
    this.#clock = clock;
    this.#now = now;
  }

  /** Returns the headers of a response that is sent now. */
  stamp(): { readonly date: string } {
    // The header has whole seconds.
    const stack = Math.floor(this.#clock.now() / 1000) * 1000;
    const real = this.#now();
    const last = this.#told.at(-1);
    if (last === undefined || Math.abs(stack - real - (last.stack - last.real)) >= resolution) {
      this.#told.push({ stack, real });
      if (this.#told.length > longestMemory) this.#told.shift();
    }
    return { date: new Date(stack).toUTCString() };
  }

  /**
   * Returns the real time of a signature by a client that follows the stack's clock, ms since 1970; undefined if no
   * response has told that client the time.
   * @param signed the signing time, ms since 1970
   */
  realTimeOf(signed: number): number | undefined {
    const told = this.#told.findLast(({ stack }) => stack <= signed);
    return told === undefined ? undefined : told.real + (signed - told.stack);
  }
}
