/** A simulated machine for tests: a folder for its files, and a PATH with only the commands that the test adds. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StepContext } from "../setup/install.mjs";

/** Exit status and output of a process. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A simulated machine. `await using machine = await Machine.create()` deletes its folder at the end of the scope. */
export class Machine implements AsyncDisposable {
  readonly folder: string;
  readonly bin: string;
  readonly cache: string;
  /** The states that steps reported. */
  readonly reports: string[] = [];
  readonly #stopper = new AbortController();

  private constructor(folder: string) {
    this.folder = folder;
    this.bin = join(folder, "bin");
    this.cache = join(folder, "cache");
  }

  static async create(): Promise<Machine> {
    const machine = new Machine(await realpath(await mkdtemp(join(tmpdir(), "machine-"))));
    await mkdir(machine.bin);
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  get env(): Record<string, string> {
    return { PATH: this.bin, HOME: this.folder, ASYNC_VIDEO_INFERENCE_CACHE: this.cache };
  }

  get context(): StepContext {
    return {
      env: this.env,
      cwd: this.folder,
      signal: this.#stopper.signal,
      report: (state) => this.reports.push(state),
    };
  }

  /** Aborts the signal of this machine's contexts. */
  stop(): void {
    this.#stopper.abort();
  }

  /** Adds a shell script to the PATH. The script must call programs that are not on the PATH by their full paths. */
  async command(name: string, script: string): Promise<void> {
    const file = join(this.bin, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }

  /** Adds commands of the real machine to the PATH. */
  async realCommands(...names: string[]): Promise<void> {
    for (const name of names) {
      const file = ["/usr/bin", "/bin"].map((folder) => join(folder, name)).find((path) => existsSync(path));
      if (file === undefined) throw new Error(`${name} is not in /usr/bin or /bin. Install it to run this test.`);
      await symlink(file, join(this.bin, name));
    }
  }

  /** Starts a Node program in the machine's folder and environment. */
  start(script: string, ...args: string[]): ChildProcess {
    return this.startIn(this.folder, this.env, script, ...args);
  }

  /** Starts a Node program in a folder, with an environment. */
  startIn(cwd: string, env: Record<string, string>, script: string, ...args: string[]): ChildProcess {
    return spawn(process.execPath, [script, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Runs a Node program in the machine's folder and environment until it ends. */
  async run(script: string, ...args: string[]): Promise<Ended> {
    return outcome(this.start(script, ...args));
  }
}

/** Waits until a process has ended; returns its status and output. */
export async function outcome(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  await once(child, "close");
  return { status: child.exitCode, stdout, stderr };
}

/** Returns whether a process runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Polls until a condition holds.
 * @throws an Error with its description after about 15 s
 */
export async function until(condition: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 20) {
    if (waited > 15_000) throw new Error(`After 15 s, this is not true: ${condition}.`);
    await sleep(20);
  }
}
