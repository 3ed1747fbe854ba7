/** Reads the service's time from the Date header of its answers. Only this clock decides when a request expires. */
import { performance } from "node:perf_hooks";
import { ServiceAnswerError } from "./errors.ts";

/** One reading of the Date header. */
interface Reading {
  /** The service's time. */
  readonly date: Date;
  /** Time of the reading, ms on this process's monotonic clock. */
  readonly at: number;
}

/**
 * SageMaker's and CloudWatch's clock, as their answers show it. It may run at another speed than this machine's (the
 * emulator shortens waiting), so it is read again each time, never extrapolated.
 */
export class ServiceClock {
  readonly #ask: () => Promise<unknown>;
  #last: Reading | undefined;

  /** @param ask makes any cheap call through a client that {@link listen} observes */
  constructor(ask: () => Promise<unknown>) {
    this.#ask = ask;
  }

  /** SDK middleware (step `deserialize`, low priority) that records the date of every answer, including errors. */
  readonly listen =
    <Input, Output extends { response: unknown }>(next: (input: Input) => Promise<Output>) =>
    async (input: Input): Promise<Output> => {
      const output = await next(input);
      this.#note(output.response);
      return output;
    };

  /**
   * Returns the service's time, to the second, not older than `maxAge` real seconds.
   * @throws the call's error if the service does not answer; an error answer still tells the time
   */
  async now(maxAge = 0): Promise<Date> {
    const known = this.#since(performance.now() - maxAge * 1000);
    if (known !== undefined) return known;
    const asked = performance.now();
    let problem: unknown;
    try {
      await this.#ask();
    } catch (error) {
      problem = error;
    }
    const answered = this.#since(asked);
    if (answered !== undefined) return answered;
    throw problem instanceof Error
      ? problem
      : new ServiceAnswerError("SageMaker's answer has no readable Date header.");
  }

  /** Returns the latest reading, if it was made at or after `moment` of this process's clock. */
  #since(moment: number): Date | undefined {
    return this.#last !== undefined && this.#last.at >= moment ? this.#last.date : undefined;
  }

  #note(response: unknown): void {
    if (typeof response !== "object" || response === null || !("headers" in response)) return;
    const headers = response.headers as Readonly<Record<string, string | undefined>>;
    const date = new Date(headers["date"] ?? "");
    if (Number.isNaN(date.getTime())) return;
    // Answers can arrive out of order and servers differ slightly; keep the time monotonic.
    const latest = this.#last === undefined || date > this.#last.date ? date : this.#last.date;
    this.#last = { date: latest, at: performance.now() };
  }
}
