/**
 * Child processes that leave nothing behind: each runs under guard.py, which ends its whole family when it ends, or
 * when this process ends.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../../lib/files.ts";

const guard = fileURLToPath(new URL("guard.py", import.meta.url));

/** Options of a process that ends with its parent. */
export interface GuardedOptions {
  /** Python 3.9 or later; the guard needs only its standard library. */
  readonly python: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** File for the processes' output; created, with its folder, or appended to. */
  readonly logFile: string;
  /** Time from SIGTERM to SIGKILL, ms of real time. */
  readonly grace: number;
}

/** A running family of processes. */
export interface GuardedProcess {
  /** The guard's process id, and the id of the group. */
  readonly pid: number;
  /** Resolves, with a description of its end, when no process of the family is left. */
  readonly ended: Promise<string>;
  /**
   * Sends SIGTERM to the command, then to the rest, and SIGKILL after the grace; resolves when no process of the family
   * is left.
   */
  stop(): Promise<void>;
}

/** A child process could not be started. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
}

/**
 * Starts a command under the guard.
 * @throws {ProcessError} if the guard cannot be started
 */
export async function startGuarded(options: GuardedOptions): Promise<GuardedProcess> {
  makeFolder(dirname(options.logFile));
  const log = await open(options.logFile, "a");
  try {
    const child = spawn(options.python, ["-I", guard, String(options.grace / 1000), ...options.command], {
      // This end of the pipe closes with this process, for any reason: the guard waits for that.
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
      // The guard has ended earlier; `ended` has the reason.
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

/** Returns the last lines of a log, for error messages. */
export async function logTail(logFile: string, lines = 15): Promise<string> {
  try {
    return (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "(no log)";
  }
}

/** Ends the group if the guard itself was killed. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
