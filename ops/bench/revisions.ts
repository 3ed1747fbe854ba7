/** Measures runs of `npm start` in this checkout, and in a checkout of another revision. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { wholeNumber } from "../../lib/command-line.ts";
import { UserError } from "../../lib/errors.ts";
import { freePort } from "../../lib/ports.ts";
import { checkOut } from "./checkout.ts";
import { cpuSecondsOfDescendants } from "./cpu-time.ts";
import { figuresOf, ratiosOf, StepRecorder, totalOf } from "./steps.ts";
import type { StepTimes } from "./steps.ts";

/** Real ms. */
const runLimit = 15 * 60_000;
const setupLimit = 60 * 60_000;

class BenchError extends UserError {
  override readonly name = "BenchError";
}

/** Runs a command in a process group, so that an abort or the limit ends all of it; `heard` gets its standard error. */
async function run(
  command: readonly [string, ...string[]],
  folder: string,
  limit: number,
  signal: AbortSignal,
  heard: (text: string) => void,
): Promise<void> {
  const [program, ...args] = command;
  signal.throwIfAborted();
  const child = spawn(program, args, { cwd: folder, detached: true, stdio: ["ignore", "ignore", "pipe"] });
  const end = AbortSignal.any([signal, AbortSignal.timeout(limit)]);
  const interrupt = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
    } catch {
      // The group has just ended.
    }
  };
  end.addEventListener("abort", interrupt);
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
    heard(text);
  });
  try {
    const [status, killedBy] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (end.aborted)
      throw new BenchError(`${command.join(" ")} in ${folder} did not end within ${limit / 60_000} min.`);
    if (status !== 0) {
      throw new BenchError(
        `${command.join(" ")} in ${folder} ended with ${killedBy ?? `exit status ${String(status)}`}:\n${errors.slice(-2000)}`,
      );
    }
  } finally {
    end.removeEventListener("abort", interrupt);
  }
}

async function measure(folder: string, signal: AbortSignal): Promise<readonly StepTimes[]> {
  const [started, before] = [performance.now(), cpuSecondsOfDescendants()];
  const recorder = new StepRecorder(() => ({
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: cpuSecondsOfDescendants() - before,
  }));
  const command = ["npm", "start", "--", "--json", "--port", String(await freePort())] as const;
  await run([...command], folder, runLimit, signal, (text) => {
    recorder.write(text);
  });
  return recorder.finish();
}

function printed(text: string): void {
  process.stderr.write(text);
}

/** The arguments of `.option()` for the number of runs. */
export const runsOption = [
  "--runs <number>",
  "runs of each checkout, 1 or more; the first fills the caches",
  wholeNumber("a whole number", 1, 1000),
  3,
] as const;

/** Options of the benchmark. */
export interface BenchOptions {
  /** Folder of the clone to measure. */
  readonly root: string;
  /** Number of runs of each checkout. */
  readonly runs: number;
  /** Commit to compare with. */
  readonly against: string | undefined;
  /** Changes the clone of that commit before it is measured. @default no change */
  readonly change?: (folder: string) => Promise<void>;
  readonly signal: AbortSignal;
  /** Receives the progress, and the output of the setup. @default prints them to standard error */
  readonly log?: (text: string) => void;
}

/**
 * Measures runs of `npm start` in a clone, after its setup. With `against`, they alternate with those of a temporary clone of that commit.
 * Returns medians in seconds and CPU seconds, also of each step; with `against`, also those of that commit, and the ratios to them.
 * @throws BenchError if a command fails or exceeds its limit; InvalidInputError if the clone has no such commit
 */
export async function bench({ root, runs, against, change, signal, log = printed }: BenchOptions) {
  await using stack = new AsyncDisposableStack();
  const old = against === undefined ? undefined : stack.use(await checkOut(root, against, signal));
  if (old !== undefined) await change?.(old.folder);
  const checkouts = [...(old === undefined ? [] : [old.folder]), root];
  for (const folder of checkouts) {
    await run([process.execPath, "tools/setup.mjs"], folder, setupLimit, signal, log);
  }
  const results = new Map(checkouts.map((folder) => [folder, [] as (readonly StepTimes[])[]]));
  for (let number = 1; number <= runs; number++) {
    for (const [folder, measured] of results) {
      const steps = await measure(folder, signal);
      measured.push(steps);
      const { seconds, cpuSeconds } = totalOf(steps);
      log(
        `run ${number} of ${runs}${folder === root ? "" : ` of ${against ?? ""}`}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s\n`,
      );
      // The processes of a run that has just ended still free their memory.
      await sleep(500, undefined, { signal });
    }
  }
  const current = results.get(root) ?? [];
  const figures = { ...figuresOf(current), runs };
  if (old === undefined) return figures;
  const before = results.get(old.folder) ?? [];
  return {
    ...ratiosOf(current, before),
    ...figures,
    against: { revision: old.revision, ...figuresOf(before) },
  };
}
