/**
 * Shows progress: one live line on a terminal; plain lines in a log, where a line is repeated after 15 seconds at the
 * earliest.
 */
import { styleText } from "node:util";
import type { TextSink } from "./command-line.ts";
import { LogPace } from "./log-pace.ts";
import { printable } from "./printable.ts";

/** A running step. */
export interface Step {
  /** Shows the current activity of the step after its name. */
  readonly detail: (text: string) => void;
}

/** Milliseconds between two updates of the line. */
const terminalInterval = 200;
const logInterval = 5_000;

/** The progress of a command. Disposing of it clears the line. */
export class Progress implements Disposable {
  readonly #sink: TextSink;
  #timer: NodeJS.Timeout | undefined;
  #text = "";
  #started = 0;
  #pace = new LogPace();

  constructor(sink: TextSink = process.stderr) {
    this.#sink = sink;
  }

  /** Prints permanent lines; line breaks in a line are shown as escapes. */
  say(...lines: readonly string[]): void {
    this.clear();
    this.#sink.write(lines.map((line) => `${printable(line)}\n`).join(""));
  }

  /** Shows the current activity; `step` tells whether it is a new step, whose time starts now. */
  show(text: string, step: "new step" | "same step" = "same step"): void {
    const isFirst = this.#text === "" || step === "new step";
    if (isFirst) {
      this.#started = performance.now();
      this.#pace = new LogPace();
    }
    this.#text = printable(text);
    this.#timer ??= setInterval(
      () => {
        this.#draw();
      },
      this.#isTerminal ? terminalInterval : logInterval,
    ).unref();
    if (isFirst) this.#draw();
  }

  /**
   * Shows `work` as a step with a mark at its end. Returns its result and its duration in seconds.
   * @throws the error of `work`
   */
  async step<T>(name: string, work: (step: Step) => Promise<T>): Promise<{ result: T; seconds: number }> {
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    const end = (mark: string): void => {
      this[Symbol.dispose]();
      this.#sink.write(`${mark} ${printable(name)} (${seconds().toFixed(1)} s)\n`);
    };
    this.show(name, "new step");
    try {
      const result = await work({
        detail: (text) => {
          this.show(text === "" ? name : `${name} · ${text}`);
        },
      });
      end(this.#colored("green", "✓"));
      return { result, seconds: seconds() };
    } catch (error) {
      end(this.#colored("red", "✗"));
      throw error;
    }
  }

  /** Clears the line, so that something else can print. */
  clear(): void {
    if (this.#isTerminal) this.#sink.write("\r\u001b[2K");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.clear();
    this.#text = "";
  }

  get #isTerminal(): boolean {
    return this.#sink.isTTY === true;
  }

  #colored(color: "green" | "red", mark: string): string {
    return this.#isTerminal ? styleText(color, mark) : mark;
  }

  #draw(): void {
    const seconds = Math.floor((performance.now() - this.#started) / 1000);
    const time = seconds === 0 ? "" : ` (${seconds} s)`;
    if (!this.#isTerminal) {
      if (this.#pace.isDue(this.#text, performance.now())) this.#sink.write(`… ${this.#text}${time}\n`);
      return;
    }
    // Cut text that does not fit; keep the time.
    const width = Math.max((this.#sink.columns ?? 80) - "… ".length - time.length - 1, 0);
    this.#sink.write(`\r\u001b[2K… ${this.#text.slice(0, width)}${time}`);
  }
}
