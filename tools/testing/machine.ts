/** A machine made for a test: a folder for its files, and a PATH on which only what the test puts there is found. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StepContext } from "../setup/install.mjs";

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Use `await using machine = await Machine.create()`: its folder goes with it. */
export class Machine implements AsyncDisposable {
  readonly folder: string;
  readonly bin: string;
  readonly cache: string;
  /** What the steps said that they were doing. */
  readonly reports: string[] = [];
  private readonly stopper = new AbortController();

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
    return { env: this.env, cwd: this.folder, signal: this.stopper.signal, report: (what) => this.reports.push(what) };
  }

  /** Stops what was given this machine's context. */
  stop(): void {
    this.stopper.abort();
  }

  /** Puts a shell script on the PATH; it finds nothing else there, so programs are called by their full path. */
  async command(name: string, script: string): Promise<void> {
    const file = join(this.bin, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }

  /** Puts the real machine's commands on the PATH. */
  async realCommands(...names: string[]): Promise<void> {
    for (const name of names) {
      const file = ["/usr/bin", "/bin"].map((folder) => join(folder, name)).find((path) => existsSync(path));
      if (file === undefined) throw new Error(`This test needs ${name}.`);
      await symlink(file, join(this.bin, name));
    }
  }

  /** Starts a Node program on this machine. */
  start(script: string, ...args: string[]): ChildProcess {
    return this.startIn(this.folder, this.env, script, ...args);
  }

  /** Starts a Node program in a folder, with an environment. */
  startIn(cwd: string, env: Record<string, string>, script: string, ...args: string[]): ChildProcess {
    return spawn(process.execPath, [script, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  }

  async run(script: string, ...args: string[]): Promise<Ended> {
    return outcome(this.start(script, ...args));
  }
}

/** Waits for the end of a process, and collects what it writes. */
export async function outcome(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  await once(child, "close");
  return { status: child.exitCode, stdout, stderr };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until something holds; an error after a long time for a slow machine. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 20) {
    if (waited > 15_000) throw new Error(`It did not come about that ${what}.`);
    await sleep(20);
  }
}
