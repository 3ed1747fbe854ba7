/** The cooldown of a scalable target, after an activity of a scaling policy. All times are ms since the epoch. */

/** A completed activity that starts a cooldown. */
export interface CooldownStart {
  /** The capacity before the activity. */
  readonly from: number;
  /** The capacity after it. */
  readonly count: number;
  readonly until: number;
}

/** Applies to the whole target, so that two policies on one backlog do not both add instances for it. */
export class Cooldown {
  readonly #stoppedCount: boolean;
  #last: CooldownStart | undefined;
  /** Instances that a scale-out has added and a scale-in has stopped. */
  #stopped = { count: 0, until: 0 };

  constructor({ stoppedCountInCooldown }: { readonly stoppedCountInCooldown: boolean }) {
    this.#stoppedCount = stoppedCountInCooldown;
  }

  /** Starts the cooldown of an activity, which ends an earlier one (API reference, ScaleInCooldown). */
  begin(start: CooldownStart): void {
    const { from, count } = start;
    if (this.#stoppedCount && count < from && this.#last !== undefined && isOut(this.#last)) {
      this.#stopped = { count: this.#last.count - this.#last.from, until: this.#last.until };
    }
    this.#last = start;
  }

  /**
   * Returns the capacity from which a scale-out is computed. During a scale-out's cooldown, the instances that it added
   * count as part of the new request (API reference, StepScalingPolicyConfiguration): the request is computed from the
   * capacity before it, and more is added only if it exceeds the current number.
   */
  baseOfScaleOut(current: number, now: number): number {
    const last = this.#last;
    const base = last !== undefined && isOut(last) && now < last.until ? last.from : current;
    return now < this.#stopped.until ? base - this.#stopped.count : base;
  }

  /** Tells whether a cooldown is under way: a later moment may allow what it delays. */
  lasts(now: number): boolean {
    return now < Math.max(this.#last?.until ?? 0, this.#stopped.until);
  }

  /** Tells whether the cooldown of a scale-in delays the next scale-in. */
  delaysScaleIn(now: number): boolean {
    return this.#last !== undefined && !isOut(this.#last) && now < this.#last.until;
  }
}

function isOut({ from, count }: CooldownStart): boolean {
  return count > from;
}
