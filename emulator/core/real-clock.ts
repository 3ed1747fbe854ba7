/** A clock that advances with real time, `speed` times faster while there is no hold. */

import type { Clock, Timer } from "./clock.ts";
import { TimerQueue } from "./timer-queue.ts";

/** Functions of the machine: real time, and one pending call at a time. */
export interface ClockHost {
  /** Returns the real moment, ms since the epoch. */
  wallTime(): number;
  /** Returns the monotonic real time, ms. */
  monotonic(): number;
  /** Calls `task` after `delay` real ms (up to 2^31 - 1); the returned function cancels it. */
  after(delay: number, task: () => void): () => void;
}

const machine: ClockHost = {
  wallTime: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delay, task) => {
    const handle = setTimeout(task, delay);
    return () => {
      clearTimeout(handle);
    };
  },
};

/** setTimeout's maximum delay; a longer one would fire at once. */
const longestDelay = 2 ** 31 - 1;

/** A clock that follows real time, faster while there is no hold. */
export class RealClock implements Clock {
  readonly #speed: number;
  readonly #host: ClockHost;
  readonly #timers = new TimerQueue();
  #holds = 0;
  #anchor: { readonly moment: number; readonly real: number };
  #disarm: (() => void) | undefined;
  #stopped = false;

  /**
   * @param speed Simulated seconds per real second while no hold is active; at least 1.
   * @throws {RangeError} if the speed is below 1
   */
  constructor(speed = 1, host: ClockHost = machine) {
    if (!Number.isFinite(speed) || speed < 1) {
      throw new RangeError(`A clock's speed is a number of at least 1, not ${speed}.`);
    }
    this.#speed = speed;
    this.#host = host;
    this.#anchor = { moment: host.wallTime(), real: host.monotonic() };
  }

  now(): number {
    return Math.floor(this.#moment());
  }

  setTimer(at: number, task: () => void): Timer {
    // Set the anchor first: the new timer must not hold back time that has passed already.
    this.#reanchor();
    const timer = this.#timers.add(Math.max(at, this.#anchor.moment), task);
    this.#arm();
    return {
      cancel: () => {
        this.#reanchor();
        timer.cancel();
        this.#arm();
      },
    };
  }

  hold(): () => void {
    this.#changeHolds(1);
    let held = true;
    return () => {
      if (held) this.#changeHolds(-1);
      held = false;
    };
  }

  /** Drops all timers, and those set later, so that the process can end. Time continues. */
  stop(): void {
    this.#stopped = true;
    this.#timers.clear();
    this.#arm();
  }

  get #rate(): number {
    return this.#holds === 0 ? this.#speed : 1;
  }

  #changeHolds(change: number): void {
    this.#reanchor();
    this.#holds += change;
    this.#arm();
  }

  /**
   * Returns the current time. While the clock runs fast it does not pass a timer that has not run yet: a busy machine
   * slows it down but keeps it correct, so that a start or a job that the timer causes starts when it was due.
   */
  #moment(): number {
    const moment = this.#anchor.moment + (this.#host.monotonic() - this.#anchor.real) * this.#rate;
    const next = this.#rate === 1 ? undefined : this.#timers.nextAt();
    return next === undefined ? moment : Math.max(this.#anchor.moment, Math.min(moment, next));
  }

  #reanchor(): void {
    this.#anchor = { moment: this.#moment(), real: this.#host.monotonic() };
  }

  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    const next = this.#timers.nextAt();
    if (next === undefined || this.#stopped) return;
    const delay = Math.ceil(Math.max(0, next - this.#moment()) / this.#rate);
    this.#disarm = this.#host.after(Math.min(delay, longestDelay), () => {
      this.#fire();
    });
  }

  /** Runs one task or none: the promise jobs that follow from it come before the next one, as with a virtual clock. */
  #fire(): void {
    this.#reanchor();
    const due = this.#timers.nextAt();
    try {
      if (due !== undefined && due <= this.#anchor.moment) this.#timers.take()?.();
    } finally {
      this.#arm();
    }
  }
}
