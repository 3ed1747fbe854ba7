/** Shows steps that run side by side: live lines on a terminal, plain lines in a log. */
import { performance } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";

/** How often a terminal is redrawn, in milliseconds. */
const FRAME = 200;

/** How often a log gets a line if what is going on has changed, in milliseconds. */
const HEARTBEAT = 4000;

/** How often it gets a line in which only the time has changed, in milliseconds. */
const REPEAT = 15_000;

/**
 * @typedef {object} Output what of a stream is used
 * @property {(text: string) => unknown} write
 * @property {boolean} [isTTY]
 * @property {number} [columns]
 */

/**
 * @typedef {object} Line
 * @property {number} since when the step started, in milliseconds
 * @property {string} what what it is doing
 * @property {number} [until] when it ended
 */

export class Progress {
  /** @type {Output} */
  #out;
  #live;
  #now;
  /** @type {Map<string, Line>} */
  #lines = new Map();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** How many lines of the terminal the last frame took. */
  #drawn = 0;
  /** What a log said last, without times, and when. */
  #said = { what: "", at: -Infinity };

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

  /** @param {string} step */
  start(step) {
    this.#lines.set(step, { since: this.#now(), what: "starting" });
    this.#timer ??= setInterval(
      () => {
        this.tick();
      },
      this.#live ? FRAME : HEARTBEAT,
    );
    if (!this.#live) this.#out.write(`set-up: ${step}: starting\n`);
  }

  /**
   * @param {string} step
   * @param {string} what
   */
  report(step, what) {
    const line = this.#lines.get(step);
    // A command's output may move the cursor.
    const text = stripVTControlCharacters(what)
      .replace(/\p{Cc}/gu, "")
      .trim();
    if (line !== undefined && line.until === undefined && text !== "") line.what = text;
  }

  /**
   * @param {string} step
   * @param {"done" | "failed" | "stopped"} how
   */
  end(step, how) {
    const line = this.#lines.get(step);
    if (line === undefined) return;
    line.until = this.#now();
    line.what = how;
    if (!this.#live) this.#out.write(`set-up: ${step}: ${how} after ${this.#elapsed(line)}\n`);
    if ([...this.#lines.values()].every(({ until }) => until !== undefined)) this.#close();
  }

  /** Shows where the steps are. */
  tick() {
    if (this.#live) {
      this.#draw();
      return;
    }
    const running = [...this.#lines].filter(([, { until }]) => until === undefined);
    const what = running.map(([step, line]) => `${step}, ${line.what}`).join(" | ");
    if (what === this.#said.what && this.#now() - this.#said.at < REPEAT) return;
    this.#said = { what, at: this.#now() };
    const states = running.map(([step, line]) => `${step} ${this.#elapsed(line)}, ${line.what}`);
    this.#out.write(`set-up: ${states.join(" | ")}\n`);
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
      const text = `${step.padEnd(width)}  ${this.#elapsed(line).padStart(6)}  ${line.what}`;
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
