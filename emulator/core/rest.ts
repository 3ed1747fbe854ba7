/** Lets a fast clock run at real time while the stack is at rest: while no later moment brings a change. */

import type { Clock, Timer } from "./clock.ts";

/** Interval between two checks, ms. */
const period = 60_000;

/** Moment of each check within its minute, ms: after the alarms of this minute and the scaling that they request. */
const offset = 30_000;

/** Time in which each metric shows a change, ms: its minute ends, and the next one, which no longer has the change. */
const metricsLag = 2 * period;

/** Dependencies of {@link RestWatch}. */
export interface RestOptions {
  readonly clock: Clock;
  /** Tells whether something is under way: a request, a change of an endpoint or of a capacity, a cooldown. */
  readonly isBusy: () => boolean;
  /** Tells whether the alarms keep their states if nothing changes, given the moment of the last change (ms). */
  readonly isSteady: (lastChange: number) => boolean;
}

/** Holds the clock while the stack is at rest. A scheduled action is no reason to run fast unless someone awaits it. */
export class RestWatch {
  /** Clock for parts whose work changes the stack: each of their holds ends the rest. */
  readonly clock: Clock;
  readonly #options: RestOptions;
  #lastChange: number;
  /** The latest moment that someone awaits, ms since the epoch. */
  #awaited = -Infinity;
  #release: (() => void) | undefined;

  constructor(options: RestOptions) {
    this.#options = options;
    const { clock } = options;
    this.#lastChange = clock.now();
    this.clock = {
      now: () => clock.now(),
      setTimer: (at, task): Timer => clock.setTimer(at, task),
      hold: () => this.#holdForWork(),
    };
    this.#schedule();
  }

  /** True while the stack is at rest. */
  get isAtRest(): boolean {
    return this.#release !== undefined;
  }

  /** Reports a change of the stack, such as a new request or a new alarm: what follows from it needs time. */
  changed(): void {
    this.#lastChange = this.#options.clock.now();
    this.#end();
  }

  /** Lets the clock run fast until `moment`, ms since the epoch. */
  awaitMoment(moment: number): void {
    const { clock } = this.#options;
    if (moment <= clock.now()) return;
    this.#awaited = Math.max(this.#awaited, moment);
    this.#end();
    clock.setTimer(moment, () => {
      this.#check();
    });
  }

  #holdForWork(): () => void {
    this.changed();
    const release = this.#options.clock.hold();
    return () => {
      release();
      this.changed();
    };
  }

  #schedule(): void {
    const { clock } = this.#options;
    const next = Math.floor((clock.now() - offset) / period + 1) * period + offset;
    clock.setTimer(next, () => {
      this.#schedule();
      this.#check();
    });
  }

  #check(): void {
    const { clock, isBusy, isSteady } = this.#options;
    const now = clock.now();
    if (isBusy()) this.changed();
    else if (now < Math.max(this.#awaited, this.#lastChange + metricsLag) || !isSteady(this.#lastChange)) this.#end();
    else this.#release ??= clock.hold();
  }

  #end(): void {
    this.#release?.();
    this.#release = undefined;
  }
}
