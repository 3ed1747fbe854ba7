/** Shows the progress of parallel steps: live lines on a terminal, plain lines in a log. */
import { performance } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";

/** Interval at which a terminal is redrawn, in milliseconds. */
const frameMs = 200;

/** Interval of lines in a log while the state changes, in milliseconds. */
const heartbeat = 4000;

/** Interval of lines in a log while only the time changes, in milliseconds. */
const repeat = 15_000;

/**
 * @typedef {object} Output the part of a stream that progress uses
 * @property {(text: string) => unknown} write
 * @property {boolean} [isTTY]
 * @property {number} [columns]
 */

/**
 * @typedef {object} Line
 * @property {number} since start of the step, in milliseconds
 * @property {string} state what the step is doing
 * @property {number} [until] end of the step, in milliseconds
 */

/** Writes the progress of steps to a stream. */
export class Progress {
  /** @type {Output} */
  #out;
  #live;
  #now;
  /** @type {Map<string, Line>} */
  #lines = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** Number of terminal lines in the last frame. */
  #drawn = 0;
  /** The last line in a log, without times, and its time in milliseconds. */
  #last = { state: "", at: -Infinity };

  /**
   * @param {Output} out
   * @param {{ live?: boolean, now?: () => number }} [options] `live`: redraw lines in place
   */
  constructor(
    out,
    { live = out.isTTY === true && process.env["TERM"] !== "dumb", now = () => performance.now() } = {},
  ) {
    this.#out = out;
    this.#live = live;
    this.#now = now;
  }

  /**
   * Shows that a step starts.
   * @param {string} step
   */
  start(step) {
    this.#lines.set(step, { since: this.#now(), state: "starting" });
    this.#timer ??= setInterval(
      () => {
        this.tick();
      },
      this.#live ? frameMs : heartbeat,
    );
    if (!this.#live) this.#out.write(`setup: ${step}: starting\n`);
  }

  /**
   * Changes the state of a running step.
   * @param {string} step
   * @param {string} state
   */
  report(step, state) {
    const line = this.#lines.get(step);
    // A command's output may contain sequences that move the cursor.
    const text = stripVTControlCharacters(state)
      .replace(/\p{Cc}/gu, "")
      .trim();
    if (line !== undefined && line.until === undefined && text !== "") line.state = text;
  }

  /**
   * Shows that a step has ended. After the last step, stops the timer.
   * @param {string} step
   * @param {"done" | "failed" | "stopped"} outcome
   */
  end(step, outcome) {
    const line = this.#lines.get(step);
    if (line === undefined) return;
    line.until = this.#now();
    line.state = outcome;
    if (!this.#live) this.#out.write(`setup: ${step}: ${outcome} after ${this.#elapsed(line)}\n`);
    if ([...this.#lines.values()].every(({ until }) => until !== undefined)) this.#close();
  }

  /** Shows the state of the steps. In a log, only if it has changed or the last line is old. */
  tick() {
    if (this.#live) {
      this.#draw();
      return;
    }
    const running = [...this.#lines].filter(([, { until }]) => until === undefined);
    const state = running.map(([step, line]) => `${step}, ${line.state}`).join(" | ");
    if (state === this.#last.state && this.#now() - this.#last.at < repeat) return;
    this.#last = { state, at: this.#now() };
    const states = running.map(([step, line]) => `${step} ${this.#elapsed(line)}, ${line.state}`);
    this.#out.write(`setup: ${states.join(" | ")}\n`);
  }

  #close() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#live) this.#draw();
    this.#lines.clear();
    this.#drawn = 0;
  }

  #draw() {
    const width = Math.max(...[...this.#lines.keys()].map((step) => step.length));
    const columns = this.#out.columns ?? 80;
    const frame = [...this.#lines].map(([step, line]) => {
      const text = `${step.padEnd(width)}  ${this.#elapsed(line).padStart(6)}  ${line.state}`;
      return `\u001b[2K${text.slice(0, columns - 1)}\n`;
    });
    this.#out.write(`${this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ""}${frame.join("")}`);
    this.#drawn = frame.length;
  }

  /** @param {Line} line */
  #elapsed({ since, until }) {
    return `${Math.floor(((until ?? this.#now()) - since) / 1000)} s`;
  }
}
