/** Keeps a log of progress short. */

/** Milliseconds until the same text is printed again. */
const repeatAfter = 15_000;

/** Decides which texts are printed: a new one at once, the same one again after 15 seconds. */
export class LogPace {
  #last = "";
  #at = -Infinity;

  /**
   * Tells whether `text` is to be printed now; if so, it counts as printed.
   * @param now milliseconds
   */
  isDue(text: string, now: number): boolean {
    if (text === this.#last && now - this.#at < repeatAfter) return false;
    this.#last = text;
    this.#at = now;
    return true;
  }
}
