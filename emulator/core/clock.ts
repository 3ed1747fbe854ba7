/** The time that every part of the emulator lives in: a real one that can run fast, or a virtual one that only tests and planners move. */

/** A task that is due at a moment of its clock. */
export interface Timer {
  /** The task will not run any more; without effect once it has. */
  cancel(): void;
}

/** Time and timers. All moments are milliseconds since the epoch, all lengths milliseconds, on this clock. */
export interface Clock {
  now(): number;
  /** Runs `task` at moment `at` (at the next turn if `at` has passed), never within this call. Tasks of one moment run in the order they were set. */
  setTimer(at: number, task: () => void): Timer;
  /**
   * Says that something starts or works now: until the returned function is called, a fast clock runs at real time,
   * so that start-up and work take the time they take. Calls nest; calling the release twice has no effect.
   */
  hold(): () => void;
}
