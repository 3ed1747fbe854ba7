/** The timers of a clock in the order in which they are due. */

import type { Timer } from "./clock.ts";

interface Entry {
  readonly at: number;
  readonly task: () => void;
}

/** A sorted list of timers; those of one moment are due in the order in which they were added. */
export class TimerQueue {
  /** The last one is due first. */
  readonly #entries: Entry[] = [];

  add(at: number, task: () => void): Timer {
    const entry: Entry = { at, task };
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.at ?? -Infinity) > at) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
    return {
      cancel: () => {
        const index = this.#entries.lastIndexOf(entry);
        if (index >= 0) this.#entries.splice(index, 1);
      },
    };
  }

  /** Returns when the next timer is due, if there is one. */
  nextAt(): number | undefined {
    return this.#entries.at(-1)?.at;
  }

  /** Removes and returns the next timer's task. */
  take(): (() => void) | undefined {
    return this.#entries.pop()?.task;
  }

  clear(): void {
    this.#entries.length = 0;
  }
}
