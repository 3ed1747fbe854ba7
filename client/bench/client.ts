/**
 * `npm run -s bench:client`: measures the memory of a large upload, and the rate of small submissions compared with the
 * plain SDK.
 */
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { measureRun, round } from "../../lib/bench.ts";
import { createCommand, runProcess, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { median } from "../../lib/median.ts";
import { lastLine, run } from "../../lib/child-process.ts";

const callsAtOnce = 8;

/** Default size of the large upload, MiB: more than SageMaker accepts as a payload. */
const defaultUpload = 1536;

/** Program of one measured run. */
const program = join(import.meta.dirname, "run.ts");

const peakSchema = z.object({ peak_mb: z.number().positive(), seconds: z.number().positive() });
const rateSchema = z.object({ submits_per_second: z.number().positive(), per_second: z.array(z.int()) });

const rateOf = (run: z.infer<typeof rateSchema> | undefined): number => run?.submits_per_second ?? NaN;

/** A file whose first bytes are a video's. */
const start = Buffer.from("\0\0\0\x20ftypisom", "latin1");

interface BenchOptions {
  readonly runs: number;
  readonly submissions: number;
  /** Size of the large upload in MiB. */
  readonly upload: number;
  readonly signal: AbortSignal;
}

async function bench({ runs, submissions, upload: mebibytes, signal }: BenchOptions): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "bench-client-"));
  const stop = new AbortController();
  const address = Promise.withResolvers<string>();
  // No limit: it runs until the benchmark ends.
  const server = run([process.execPath, join(import.meta.dirname, "sink.ts")], {
    limit: undefined,
    signal: stop.signal,
    onOutput: address.resolve,
  });
  try {
    const ended = server.then(({ status, stderr }) => {
      throw new Error(`The server ended with exit status ${status}: ${lastLine(stderr) ?? "no message"}`);
    });
    const url = await Promise.race([address.promise, ended]);
    const large = join(folder, "large.mp4");
    {
      // Sparse: a large input without using its size of disk.
      await using file = await open(large, "wx");
      await file.write(start);
      await file.truncate(mebibytes * 2 ** 20);
    }
    const upload = await measureRun(peakSchema, program, ["peak", url, large], signal);
    await rm(large);
    for (let index = 0; index < submissions; index++) {
      await writeFile(join(folder, `${index}.mp4`), Buffer.concat([start, Buffer.from(String(index).padEnd(4096))]));
    }
    const results = { ours: [] as z.infer<typeof rateSchema>[], plain: [] as z.infer<typeof rateSchema>[] };
    for (let run = 1; run <= runs; run++) {
      for (const kind of ["ours", "plain"] as const) {
        results[kind].push(await measureRun(rateSchema, program, [kind, url, folder, String(callsAtOnce)], signal));
        process.stderr.write(
          `run ${run} of ${runs}, ${kind}: ${round(results[kind].at(-1)?.submits_per_second ?? 0)} a second\n`,
        );
      }
    }
    const rates = {
      ours: median(results.ours.map((figures) => figures.submits_per_second)),
      plain: median(results.plain.map((figures) => figures.submits_per_second)),
    };
    return {
      peak_mb: round(upload.peak_mb),
      upload_seconds: round(upload.seconds),
      submits_per_second: round(rates.ours),
      plain_submits_per_second: round(rates.plain),
      // Pairs that are close in time: a slow phase of the machine affects both.
      ratio: round(median(results.ours.map((ours, run) => ours.submits_per_second / rateOf(results.plain[run])))),
      per_second: results.ours.at(-1)?.per_second,
      concurrency: callsAtOnce,
      runs,
    };
  } finally {
    stop.abort();
    await Promise.allSettled([server]);
    await rm(folder, { recursive: true });
  }
}

function benchCommand({ stdout, signal }: CommandContext) {
  return createCommand("bench:client", "measure the client's memory and rate of submissions")
    .description(
      "Measures against a server in another process: the client's peak memory over a large upload, and submissions of small files with a job journal, compared with the same calls in a loop over the plain AWS SDK, at the same concurrency. The upload is measured once; the runs of the submissions alternate, each in a fresh process, and their figures are medians, the ratio that of each pair's ratios.",
    )
    .option("--runs <number>", "runs of each kind of submission", wholeNumber("a whole number", 1, 1000), 9)
    .option("--submissions <number>", "submissions of a run", wholeNumber("a whole number", 1, 100_000), 1000)
    .option("--upload <MiB>", "size of the large upload", wholeNumber("a size in MiB", 1, 1024 ** 2), defaultUpload)
    .option(
      "--json",
      "print one JSON object to standard output: peak_mb, submits_per_second, ratio (of the plain SDK's rate), and more",
      false,
    )
    .addHelpText("after", "\nExample:\n  npm run -s bench:client -- --runs 3 --json")
    .action(async ({ json, ...options }) => {
      const figures = await bench({ ...options, signal });
      stdout.write(
        json
          ? `${JSON.stringify(figures)}\n`
          : Object.entries(figures)
              .map(([name, value]) => `${name.padEnd(26)} ${JSON.stringify(value)}\n`)
              .join(""),
      );
    });
}

await runProcess(benchCommand);
