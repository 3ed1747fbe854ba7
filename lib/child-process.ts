/** Runs child processes to their end: time limit, abort signal, output lines and exit status in one place. */
import { constants } from "node:os";
import { execa } from "execa";

/** Options of {@link run}. */
export interface RunOptions {
  /** Time limit, ms; undefined for none, with a reason in a comment. */
  readonly limit: number | undefined;
  readonly cwd?: string;
  /** All variables of the program's environment. @default those of this process */
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined;
  /** Gets each line of the standard output. */
  readonly onOutput?: (line: string) => void;
  /** Gets each line of the standard error. */
  readonly onError?: (line: string) => void;
  /** Runs the program in a separate process group, which Ctrl-C in a terminal does not reach. @default false */
  readonly ownGroup?: boolean;
  /** Signals of this process that the program gets, too; it decides when to end. @default none */
  readonly passOn?: readonly NodeJS.Signals[];
}

/** A program that has ended. */
export interface EndedRun {
  /** Exit status; 128 plus the number of the signal that killed it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** True if it reached the time limit. */
  readonly timedOut: boolean;
}

/** Milliseconds between SIGTERM and SIGKILL: a program removes its drafts first. */
const killDelay = 5_000;

/**
 * Runs a program without standard input. Any exit status is a result.
 * @throws the signal's reason after an abort; the system's error, such as ENOENT, if the program cannot be started
 */
export async function run([program, ...args]: readonly [string, ...string[]], options: RunOptions): Promise<EndedRun> {
  const { limit, cwd, env = process.env, signal, onOutput, onError, ownGroup = false, passOn = [] } = options;
  signal?.throwIfAborted();
  const child = execa(program, args, {
    env,
    extendEnv: false,
    stdin: "ignore",
    stdout: linesTo(onOutput),
    stderr: linesTo(onError),
    detached: ownGroup,
    forceKillAfterDelay: killDelay,
    // A program that gets this process's signals ends by them.
    cleanup: passOn.length === 0,
    reject: false,
    stripFinalNewline: false,
    ...(cwd === undefined ? {} : { cwd }),
    ...(limit === undefined ? {} : { timeout: limit }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  const forward = (name: NodeJS.Signals): void => {
    child.kill(name);
  };
  for (const name of passOn) process.on(name, forward);
  try {
    const { exitCode, signal: killedBy, stdout, stderr, timedOut, cause } = await child;
    signal?.throwIfAborted();
    if (exitCode === undefined && killedBy === undefined) throw cause;
    const status = exitCode ?? 128 + (killedBy === undefined ? 0 : constants.signals[killedBy]);
    return { status, stdout, stderr, timedOut };
  } finally {
    for (const name of passOn) process.off(name, forward);
  }
}

/** Returns the last line of an output that is not empty. */
export function lastLine(text: string): string | undefined {
  return text
    .trimEnd()
    .split("\n")
    .findLast((line) => line !== "");
}

/** Returns execa's transform that passes each line on. */
function linesTo(onLine: ((line: string) => void) | undefined) {
  if (onLine === undefined) return "pipe" as const;
  return function* (line: string) {
    onLine(line);
    yield line;
  };
}
