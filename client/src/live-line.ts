/**
 * Shows progress: one live line on a terminal; plain lines in a log, where a line is repeated after 15 seconds at the
 * earliest.
 */

import { LogPace } from "../../lib/log-pace.ts";
import { printable } from "../../lib/printable.ts";

/** The part of a stream that the view uses. */
export interface TextSink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Time between redraws, ms. */
const TERMINAL_MS = 200;
const LOG_MS = 4_000;

/** A line that is redrawn until it is disposed. */
export class LiveLine implements Disposable {
  readonly #sink: TextSink;
  readonly #timer: NodeJS.Timeout;
  #text = "";
  #started = performance.now();
  #pace = new LogPace();

  constructor(sink: TextSink) {
    this.#sink = sink;
    this.#timer = setInterval(
      () => {
        this.#draw();
      },
      this.#live ? TERMINAL_MS : LOG_MS,
    );
    this.#timer.unref();
  }

  /** Shows the current activity; `step` tells whether it is a new step, whose time starts now. */
  show(text: string, step: "new step" | "same step" = "same step"): void {
    if (step === "new step") {
      this.#started = performance.now();
      this.#pace = new LogPace();
    }
    const first = this.#text === "" || step === "new step";
    this.#text = printable(text);
    if (first) this.#draw();
  }

  /** Prints a permanent line; line breaks in it are shown as escapes. */
  say(line: string): void {
    this.clear();
    this.#sink.write(`${printable(line)}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.clear();
    this.#text = "";
  }

  get #live(): boolean {
    return this.#sink.isTTY === true;
  }

  #draw(): void {
    if (this.#text === "") return;
    const seconds = Math.floor((performance.now() - this.#started) / 1000);
    const time = ` (${seconds} s)`;
    if (!this.#live) {
      if (this.#pace.isDue(this.#text, performance.now())) this.#sink.write(`… ${this.#text}${time}\n`);
      return;
    }
    // Cut text that does not fit; keep the time.
    const width = Math.max((this.#sink.columns ?? 80) - "… ".length - time.length - 1, 0);
    this.#sink.write(`\r\u001b[2K… ${this.#text.slice(0, width)}${time}`);
  }

  /** Clears the line, so that something else can print. */
  clear(): void {
    if (this.#live) this.#sink.write("\r\u001b[2K");
  }
}
