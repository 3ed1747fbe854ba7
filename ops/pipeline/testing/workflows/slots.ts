/** Limits the number of concurrent jobs on this machine, and tells when none runs. */
export class Slots {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  readonly #idle: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  /** Runs it once there is a free slot. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    if (this.#running > this.#size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
      // The next job starts in the following microtasks.
      setImmediate(() => {
        this.#settle();
      });
    }
  }

  /** Reports a fault outside of any job to all that wait. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#settle();
  }

  /** Resolves when no job runs, or could run without a decision from outside. */
  async idle(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#idle.push({ resolve, reject });
      setImmediate(() => {
        this.#settle();
      });
    });
  }

  #settle(): void {
    const failure = this.#failure;
    if (failure !== undefined) for (const { reject } of this.#idle.splice(0)) reject(failure.error);
    else if (this.#running === 0) for (const { resolve } of this.#idle.splice(0)) resolve();
  }
}
