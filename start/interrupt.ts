/** Turns a signal, or the death of the terminal, into one AbortSignal that everything long listens to. */

/** The person (or the machine) asked for the end; whoever catches it has cleaned up before it is shown. `exitStatus` is the shell's convention, 128 + the signal's number. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitStatus: number;

  constructor(signal: string, exitStatus: number) {
    super(`Stopped by ${signal}; nothing of it is left.`);
    this.exitStatus = exitStatus;
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
