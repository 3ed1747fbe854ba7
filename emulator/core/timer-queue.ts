/** The timers of a clock in the order in which they are due. */

import type { Timer } from "./clock.ts";

interface Entry {
  readonly at: number;
  readonly order: number;
  task: (() => void) | undefined;
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** A binary heap; a cancelled timer keeps its place, without its task, until it comes to the top. */
export class TimerQueue {
  readonly #heap: Entry[] = [];
  #order = 0;

  add(at: number, task: () => void): Timer {
    const entry: Entry = { at, order: this.#order++, task };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return {
      cancel: () => {
        entry.task = undefined;
      },
    };
  }

  /** Returns when the next timer is due, if there is one. */
  nextAt(): number | undefined {
    let top = this.#heap[0];
    while (top !== undefined && top.task === undefined) {
      this.#removeTop();
      top = this.#heap[0];
    }
    return top?.at;
  }

  /** Removes and returns the next timer's task. */
  take(): (() => void) | undefined {
    if (this.nextAt() === undefined) return undefined;
    const task = this.#heap[0]?.task;
    this.#removeTop();
    return task;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfBefore(index, parent)) return;
      index = parent;
    }
  }

  #sink(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const leftEntry = this.#heap[left];
      if (leftEntry === undefined) return;
      const rightEntry = this.#heap[left + 1];
      const child = rightEntry !== undefined && isBefore(rightEntry, leftEntry) ? left + 1 : left;
      if (!this.#swapIfBefore(child, index)) return;
      index = child;
    }
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    const [below, above] = [this.#heap[lower], this.#heap[upper]];
    if (below === undefined || above === undefined || !isBefore(below, above)) return false;
    this.#heap[upper] = below;
    this.#heap[lower] = above;
    return true;
  }
}
