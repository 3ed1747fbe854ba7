/** Runs a command like GitHub's runner: `bash -e SCRIPT`, in a process group that can be killed as a whole. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Timeout of one command in milliseconds: on this machine, none takes a fifth of it. */
const limit = 5 * 60_000;

export interface ShellOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Receives its standard output and standard error as they are printed. */
  readonly onOutput: (text: string) => void;
}

/** One running command. */
export class Shell {
  /** Its exit status; 137 after SIGKILL. Never rejects. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #workspace: string;

  constructor(script: string, { cwd, env, onOutput }: ShellOptions) {
    const child = spawn("bash", ["-e", script], { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    child.stdout.setEncoding("utf8").on("data", onOutput);
    child.stderr.setEncoding("utf8").on("data", onOutput);
    this.#child = child;
    this.#workspace = cwd;
    const timer = setTimeout(() => {
      onOutput(`The command has not ended after ${limit / 1000} s.\n`);
      this.kill();
    }, limit);
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => {
        onOutput(`bash did not start: ${error.message}\n`);
        resolve(127);
      });
      child.once("close", (status) => {
        clearTimeout(timer);
        resolve(status ?? 137);
      });
    });
  }

  /** Ends the command and all its processes at once: its group, and those in other groups that have the job's environment. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    for (const each of [-pid, ...processesOf(this.#workspace)]) {
      try {
        process.kill(each, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
  }
}

/** Returns the processes that a job has started, in any process group. The runner's variable GITHUB_WORKSPACE identifies them. */
function processesOf(workspace: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`GITHUB_WORKSPACE=${workspace}\0`);
    } catch {
      // It has ended, or is another user's.
      return false;
    }
  });
}
