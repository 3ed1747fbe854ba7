/**
 * A clock that moves only on request, for tests: days pass in the time that their events take to compute.
 */

import type { Clock, Timer } from "./clock.ts";
import { TimerQueue } from "./timer-queue.ts";

/** Lets every ready promise job, and those that they make ready, run. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A clock that advances only when it is told to. */
export class VirtualClock implements Clock {
  readonly #timers = new TimerQueue();
  #now: number;
  #holds = 0;

  /** @param start The first moment, ms since the epoch. */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  setTimer(at: number, task: () => void): Timer {
    return this.#timers.add(Math.max(at, this.#now), task);
  }

  /** Counts holds without further effect: virtual time does not run while a task works. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
    };
  }

  /** Returns the number of active holds. */
  get holds(): number {
    return this.#holds;
  }

  /** Runs everything that is due in the next `length` ms. */
  advance(length: number): Promise<void> {
    return this.runUntil(this.#now + length);
  }

  /**
   * Runs everything that is due up to and at moment `at`, with all promise jobs that follow from it before the next
   * timer.
   */
  async runUntil(at: number): Promise<void> {
    await settle();
    for (let next = this.#timers.nextAt(); next !== undefined && next <= at; next = this.#timers.nextAt()) {
      this.#now = next;
      this.#timers.take()?.();
      await settle();
    }
    this.#now = Math.max(this.#now, at);
  }
}
