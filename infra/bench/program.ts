/** `npm run -s bench:program`: compares a run of the program with a run of the same program under Pulumi's defaults. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { stackConfig } from "../testing/stacks.ts";
import { writeDefaultProgram } from "./default-program.ts";

const help = `Usage: npm run -s bench:program -- [--runs N] [--json]

Measures runs of the program that register all resources of the stack prod against mocks. Compares
the program as deployed (Node runs its TypeScript) with Pulumi's default (ts-node, type check,
import * as aws), with an empty ts-node cache, as on CI machines, and with a filled one.
Prints medians of alternating runs.

  --runs N  runs of each kind (default: 5)
  --json    print one JSON object on standard output: the ratios of time and memory between the
            default and the program, and the figures of each kind
`;

const runFile = join(import.meta.dirname, "run.ts");
const projectRoot = resolve(import.meta.dirname, "..", "..");
const measured = z.object({ resources: z.int().positive(), memory: z.number().positive() });

/** Result of one run: wall-clock seconds, peak memory in MiB, number of registered resources. */
interface Run extends z.infer<typeof measured> {
  readonly seconds: number;
}

interface Kind {
  readonly runner: "native" | "ts-node";
  readonly index: string;
  readonly cache: string;
}

async function measure({ runner, index, cache }: Kind, config: string): Promise<Run> {
  const started = performance.now();
  const child = spawn(process.execPath, [runFile, runner, index, config], {
    cwd: dirname(index),
    env: { ...process.env, TS_NODE_CACHE_DIRECTORY: cache },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`A run of the kind ${runner} ended with exit status ${String(status)}.`);
  return { ...measured.parse(JSON.parse(out)), seconds: (performance.now() - started) / 1000 };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

const round = (value: number): number => Math.round(value * 100) / 100;

async function bench(runs: number): Promise<Record<string, unknown>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "bench-program-")));
  try {
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    const config = JSON.stringify(stackConfig("prod", artifact));
    const index = await writeDefaultProgram(join(folder, "default"));
    // A cold run empties the cache first and fills it; the warm run after it uses what the cold one left.
    const cache = join(folder, "cache");
    const kinds = {
      native: { runner: "native", index: join(projectRoot, "infra", "index.ts"), cache },
      cold: { runner: "ts-node", index, cache },
      warm: { runner: "ts-node", index, cache },
    } as const satisfies Record<string, Kind>;
    const results: Record<keyof typeof kinds, Run[]> = { native: [], cold: [], warm: [] };
    for (let run = 1; run <= runs; run++) {
      for (const name of ["native", "cold", "warm"] as const) {
        if (name === "cold") await rm(cache, { recursive: true, force: true });
        const result = await measure(kinds[name], config);
        results[name].push(result);
        process.stderr.write(
          `${name} ${run} of ${runs}: ${result.seconds.toFixed(2)} s, ${result.memory.toFixed(0)} MiB\n`,
        );
      }
    }
    const counts = new Set(Object.values(results).flatMap((each) => each.map(({ resources }) => resources)));
    assert.equal(counts.size, 1, "every kind registers the same resources");
    const medians = (of: "seconds" | "memory") => ({
      native: round(median(results.native.map((run) => run[of]))),
      cold: round(median(results.cold.map((run) => run[of]))),
      warm: round(median(results.warm.map((run) => run[of]))),
    });
    const [seconds, memory] = [medians("seconds"), medians("memory")];
    return {
      time_ratio: round(seconds.cold / seconds.native),
      memory_ratio: round(memory.cold / memory.native),
      time_ratio_warm: round(seconds.warm / seconds.native),
      runs,
      resources: [...counts][0],
      seconds,
      memory_mib: memory,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  process.stdout.write(help);
} else {
  const runs = z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(1)).safeParse(values.runs);
  if (runs.success) {
    const report = await bench(runs.data);
    const lines = Object.entries(report).map(([name, value]) => `${name.padEnd(16)}${JSON.stringify(value)}`);
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${lines.join("\n")}\n`);
  } else {
    process.stderr.write("--runs takes a whole number above 0. Add --help for the usage.\n");
    process.exitCode = 2;
  }
}
