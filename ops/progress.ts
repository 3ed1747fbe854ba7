/** Shows what is being done and for how long: one live line on a terminal, plain lines in a log, where nothing is repeated within 15 seconds. */
import { styleText } from "node:util";
import { LogPace } from "../lib/log-pace.ts";
import { printable, printableText } from "../lib/printable.ts";

/** Where progress goes: standard error, or a test's recorder. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** One step under way. */
export interface Step {
  /** Says what the step is at now; shown behind the step's name. */
  readonly detail: (text: string) => void;
}

const logInterval = 5_000;
const terminalInterval = 200;

/** Prints steps one after the other. */
export class Progress {
  private readonly stream: ProgressStream;

  constructor(stream: ProgressStream = process.stderr) {
    this.stream = stream;
  }

  /** A line, or several, that stay. */
  say(text: string): void {
    this.stream.write(`${printableText(text)}\n`);
  }

  /** Runs `work` as a step; returns its result and how long it took in seconds. What `work` throws ends the step and is thrown on. */
  async step<T>(name: string, work: (step: Step) => Promise<T>): Promise<{ result: T; seconds: number }> {
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    let detail = "";
    const line = () => `${name} ${seconds().toFixed(0)} s${detail === "" ? "" : ` · ${detail}`}`;
    const terminal = this.stream.isTTY === true;
    if (!terminal) {
      this.say(`… ${name}`);
    }
    const pace = new LogPace();
    const timer = setInterval(
      () => {
        if (!terminal && !pace.isDue(detail, performance.now())) return;
        this.stream.write(
          terminal ? `\r\u001b[2K… ${line().slice(0, (this.stream.columns ?? 80) - 3)}` : `… ${line()}\n`,
        );
      },
      terminal ? terminalInterval : logInterval,
    );
    const end = (mark: string) => {
      clearInterval(timer);
      this.stream.write(`${terminal ? "\r\u001b[2K" : ""}${mark} ${name} (${seconds().toFixed(1)} s)\n`);
    };
    try {
      const result = await work({
        detail(text) {
          detail = printable(text);
        },
      });
      end(terminal ? styleText("green", "✓") : "✓");
      return { result, seconds: seconds() };
    } catch (error) {
      end(terminal ? styleText("red", "✗") : "✗");
      throw error;
    }
  }
}
