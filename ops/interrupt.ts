/** Turns a signal, or the death of the terminal, into one AbortSignal that everything long listens to. */

/** The person (or the machine) asked for the end; whoever catches it has cleaned up before it is shown. `exitStatus` is the shell's convention, 128 + the signal's number. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitStatus: number;
  readonly #signal: string;

  /** @param kept what is left, as a sentence */
  constructor(signal: string, exitStatus: number, kept = "Nothing of it is left.") {
    super(`Stopped by ${signal}. ${kept}`);
    this.#signal = signal;
    this.exitStatus = exitStatus;
  }

  /** The same for a command that leaves something. */
  leaving(kept: string): Interrupted {
    return new Interrupted(this.#signal, this.exitStatus, kept);
  }
}

const exitStatuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Aborts, with {@link Interrupted} as the reason, at the first SIGINT, SIGTERM or SIGHUP. Later ones are ignored: the clean-up is under way. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitStatus] of Object.entries(exitStatuses)) {
    process.on(name, () => {
      controller.abort(new Interrupted(name, exitStatus));
    });
  }
  return controller.signal;
}
