/** Runs the project's commands in end-to-end tests, and finds processes that they leave behind. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { localFolder, repoRoot } from "../../tools/paths.mjs";

/** Output and end of a command. */
export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when standard error contains the text. */
  said(words: RegExp): Promise<void>;
}

/** Environment variable of the commands that tests start, and of their children: the process ID of the tests. */
export const testRunVariable = "ASYNC_VIDEO_INFERENCE_TEST_RUN";

/** Starts a Node program of the project, in its root folder. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, args, {
    cwd: repoRoot,
    env: { ...process.env, [testRunVariable]: String(process.pid), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const heard = new Set<() => void>();
  const listen = (): void => {
    for (const check of heard) check();
  };
  child.stderr.on("data", listen);
  const finished = once(child, "close").then(([status]) => ({ status: status as number | null, stdout, stderr }));
  return {
    child,
    finished,
    said: (words) =>
      new Promise((resolve, reject) => {
        heard.add(() => {
          if (words.test(stderr)) resolve();
        });
        listen();
        void finished.then(() => {
          reject(new Error(`The command ended without printing ${String(words)}:\n${stderr}`));
        });
      }),
  };
}

/** Returns the command lines of all processes that work on the local stack of this clone. */
export async function leftProcesses(): Promise<string[]> {
  const left: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [command, environ] = await Promise.all(
      ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    if (`${command ?? ""}${environ ?? ""}`.includes(`${localFolder}/aws`)) {
      left.push((command ?? "").replaceAll("\0", " "));
    }
  }
  return left;
}
