/** Child processes that leave nothing behind: each runs under guard.py, which ends its whole family with it, or with us. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const guard = fileURLToPath(new URL("guard.py", import.meta.url));

export interface GuardedOptions {
  /** A Python 3.9 or later; the guard needs nothing but its standard library. */
  readonly python: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Takes what the processes print; created, with its folder, or appended to. */
  readonly logFile: string;
  /** From SIGTERM to SIGKILL, ms of real time. */
  readonly grace: number;
}

/** A running family of processes. */
export interface GuardedProcess {
  /** The guard's process id, and the id of the group. */
  readonly pid: number;
  /** Resolves, with words for how it ended, when nothing of the family is left. */
  readonly ended: Promise<string>;
  /** SIGTERM to the command, then to the rest, SIGKILL after the grace; resolves when nothing of the family is left. */
  stop(): Promise<void>;
}

/** A child process could not be started. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
}

/** Starts a command under the guard. Throws ProcessError if not even the guard can be started. */
export async function startGuarded(options: GuardedOptions): Promise<GuardedProcess> {
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = await open(options.logFile, "a");
  try {
    const child = spawn(options.python, ["-I", guard, String(options.grace / 1000), ...options.command], {
      // Our end of the pipe closes with us, however we end: that is what the guard waits for.
      stdio: ["pipe", log.fd, log.fd],
      detached: true,
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const ended = new Promise<string>((resolve) => {
      child.once("close", (code, signal) => {
        if (child.pid !== undefined) killGroup(child.pid);
        resolve(signal === null ? `exit status ${code ?? 0}` : `signal ${signal}`);
      });
    });
    try {
      await once(child, "spawn");
    } catch (error) {
      throw new ProcessError(`${options.python} could not be started: ${(error as Error).message}`, { cause: error });
    }
    const { pid, stdin } = child;
    if (pid === undefined || stdin === null) throw new ProcessError(`${options.python} was started without a pipe.`);
    stdin.on("error", () => {
      // The guard has ended before us; `ended` tells.
    });
    return {
      pid,
      ended,
      async stop(): Promise<void> {
        stdin.end();
        await ended;
      },
    };
  } finally {
    await log.close();
  }
}

/** The last lines of a log, for error messages. */
export async function logTail(logFile: string, lines = 15): Promise<string> {
  try {
    return (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "(no log)";
  }
}

/** For the case that the guard itself was killed: its group then is still there. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
