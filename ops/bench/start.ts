/** `npm run -s bench:start`: the seconds and CPU seconds of `npm start`, step by step, and against another revision. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createCommand,
  interruptSignal,
  processTerminal,
  runCommandLine,
  wholeNumber,
} from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { InvalidInputError, UserError } from "../../lib/errors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { freePort } from "../../lib/ports.ts";
import { checkOut } from "./checkout.ts";
import { cpuSecondsOfDescendants } from "./cpu-time.ts";
import { figuresOf, ratiosOf, StepRecorder, totalOf } from "./steps.ts";
import type { Figures, StepTimes } from "./steps.ts";

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

async function bench(runs: number, against: string | undefined, signal: AbortSignal) {
  await using stack = new AsyncDisposableStack();
  const old = against === undefined ? undefined : stack.use(await checkOut(repoRoot, against, signal));
  const checkouts = [...(old === undefined ? [] : [old.folder]), repoRoot];
  for (const folder of checkouts) {
    await run([process.execPath, "tools/setup.mjs"], folder, setupLimit, signal, (text) => process.stderr.write(text));
  }
  const results = new Map(checkouts.map((folder) => [folder, [] as (readonly StepTimes[])[]]));
  for (let number = 1; number <= runs; number++) {
    for (const [folder, measured] of results) {
      const steps = await measure(folder, signal);
      measured.push(steps);
      const { seconds, cpuSeconds } = totalOf(steps);
      process.stderr.write(
        `run ${number} of ${runs}${folder === repoRoot ? "" : ` of ${against ?? ""}`}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s\n`,
      );
      // The processes of a run that has just ended still free their memory.
      await sleep(500, undefined, { signal });
    }
  }
  const current = results.get(repoRoot) ?? [];
  const figures = { ...figuresOf(current), runs };
  if (old === undefined) return figures;
  const before = results.get(old.folder) ?? [];
  return {
    ...ratiosOf(current, before),
    ...figures,
    against: { revision: old.revision, ...figuresOf(before) },
  };
}

function table(title: string, { seconds, cpu_seconds, steps }: Figures): string {
  const row = (name: string, wall: number, cpu: number) =>
    `${name.padEnd(72)}${wall.toFixed(2).padStart(7)} s${cpu.toFixed(2).padStart(7)} CPU s\n`;
  return `${title}\n${steps.map((step) => row(step.name, step.seconds, step.cpu_seconds)).join("")}${row("total", seconds, cpu_seconds)}`;
}

function benchCommand({ stdout, signal }: CommandContext) {
  return createCommand("bench:start", "measure the steps of npm start")
    .description(
      "Runs npm start with the sample video. Prints, in total and for each step, the seconds of real time and the CPU seconds of all its processes. A step counts from the end of the step before, so that the steps add up. The figures are medians. Setup runs first and does not count. Linux only: CPU seconds are read from /proc.",
    )
    .option(
      "--runs <number>",
      "runs of each checkout, 1 or more; the first fills the caches",
      wholeNumber("a whole number", 1, 1000),
      3,
    )
    .option("--against <revision>", "also measure this commit, in a temporary clone; the runs alternate")
    .option(
      "--json",
      "print one JSON object to standard output: seconds, cpu_seconds, steps, runs; with --against also ratio and cpu_ratio (the other revision's total divided by this checkout's) and against",
      false,
    )
    .addHelpText("after", "\nExample:\n  npm run -s bench:start -- --against main --json")
    .action(async ({ runs, against, json }) => {
      if (!existsSync("/proc/self/stat")) {
        throw new InvalidInputError(
          "bench:start reads CPU seconds from /proc, which this system lacks. Run it on Linux.",
        );
      }
      const figures = await bench(runs, against, signal);
      if (json) {
        stdout.write(`${JSON.stringify(figures)}\n`);
        return;
      }
      stdout.write(table("this checkout", figures));
      if ("against" in figures) {
        stdout.write(table(`\n${figures.against.revision}`, figures.against));
        stdout.write(`\n${figures.ratio} times the time, ${figures.cpu_ratio} times the CPU time\n`);
      }
    });
}

process.exitCode = await runCommandLine(benchCommand, process.argv.slice(2), processTerminal(interruptSignal()));
