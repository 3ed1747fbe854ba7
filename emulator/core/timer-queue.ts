/** The timers of a clock in the order in which they are due. */

import type { Timer } from "./clock.ts";
import { Heap } from "./heap.ts";
import type { HeapNode } from "./heap.ts";

interface Entry extends HeapNode {
  readonly at: number;
  /** Order of addition. */
  readonly index: number;
  readonly task: () => void;
}

/** A queue of timers; those of one moment are due in the order in which they were added. */
export class TimerQueue {
  readonly #entries = new Heap<Entry>((left, right) => {
    return left.at < right.at || (left.at === right.at && left.index < right.index);
  });
  #added = 0;

  add(at: number, task: () => void): Timer {
    this.#added += 1;
    const entry: Entry = { at, index: this.#added, task, position: -1 };
    this.#entries.add(entry);
    return {
      cancel: () => {
        this.#entries.remove(entry);
      },
    };
  }

  /** Returns when the next timer is due, if there is one. */
  nextAt(): number | undefined {
    return this.#entries.peek()?.at;
  }

  /** Removes and returns the next timer's task. */
  take(): (() => void) | undefined {
    return this.#entries.pop()?.task;
  }

  clear(): void {
    this.#entries.clear();
  }
}
