/** The time of every part of the emulator: a real clock that can run fast, or a virtual one that only tests move. */

/** A task that is due at a moment of its clock. */
export interface Timer {
  /** Cancels the task; no effect after it has run. */
  cancel(): void;
}

/** Time and timers. All moments are milliseconds since the epoch, all durations milliseconds, on this clock. */
export interface Clock {
  now(): number;
  /**
   * Runs `task` at moment `at` (at the next turn if `at` has passed), never within this call. Tasks of one moment run
   * in the order in which they were set.
   */
  setTimer(at: number, task: () => void): Timer;
  /**
   * Reports that something starts or works, or that no change is to come: until the returned function is called, a fast
   * clock runs at real time, so that start-up and work take their real time, and the clock runs ahead no more than it
   * must. Calls nest; calling the release twice has no effect.
   */
  hold(): () => void;
}
