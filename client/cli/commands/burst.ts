/** The command burst: runs the experiment of AWS's blog post on a stack, with its table and a report of its charts. */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { writeWhole } from "../../../lib/files.ts";
import { Burst, WATCH_LIMIT_SECONDS } from "../burst/burst.ts";
import type { BurstState, BurstVideo } from "../burst/burst.ts";
import { figuresOf, rowsOf } from "../burst/figures.ts";
import { waitForMetrics } from "../burst/metrics-wait.ts";
import { notesOf } from "../burst/notes.ts";
import { renderReport } from "../burst/report.ts";
import { usage } from "../../src/arguments.ts";
import { defineCommand, wholeNumber } from "../command-line.ts";
import type { Context } from "../command-line.ts";
import { confirmPrice } from "../confirm.ts";
import { printDryRun } from "../dry-run.ts";
import { checkEndpoint } from "../../src/endpoint.ts";
import { isAbort } from "../../../lib/errors.ts";
import { timeoutWithin } from "../../src/limits.ts";
import { Manifest } from "../../src/manifest.ts";
import { makeFolder } from "../out-folder.ts";
import { findVideos } from "../../src/sources.ts";
import type { FoundVideo } from "../../src/sources.ts";
import { isS3 } from "../../src/submit-all.ts";
import { uploadVideo } from "../../src/upload.ts";
import { plural } from "../../src/format.ts";
import { modelFlags, modelRequestOf } from "./model-flags.ts";
import type { ModelRequest } from "./model-flags.ts";

/** The repository's sample, used without --video. */
const sample = path.join(import.meta.dirname, "..", "..", "..", "model", "samples", "street.mp4");

const flags = {
  count: wholeNumber("count", "a whole number", 1, 100_000),
  video: z.array(z.string().min(1)).default([sample]),
  concurrency: wholeNumber("concurrency", "a whole number", 1, 64),
  ...modelFlags.flags,
  ttl: wholeNumber("ttl", "whole seconds", 60, 21_600),
  timeout: wholeNumber("timeout", "whole seconds", 1, 3600),
  limit: wholeNumber("limit", "whole seconds", 1, WATCH_LIMIT_SECONDS),
  "until-zero": z.boolean().default(false),
  out: z.string().min(1).optional(),
  yes: z.boolean().default(false),
  "dry-run": z.boolean().default(false),
};

type Flags = z.infer<z.ZodObject<typeof flags>>;

/** Sends many copies of videos at once, watches them, and reports how the endpoint processed them. */
export const burst = defineCommand({
  summary: "send many copies of a video at once and report how the endpoint processed them",
  help: {
    usage: `Usage: npm run burst -- --count N [--video FILE]… [options]

Sends N jobs as fast as the service accepts them, all reading the same object in S3, watches until each has ended, and
prints the table of AWS's blog post from the stack's metrics. A new folder gets the report (report.html, one page that
needs no network), the table (figures.json) and the job journal (jobs.jsonl), which status and fetch accept.

On AWS it prints an upper bound of the price first. Above 1 USD it asks before it sends anything; without a terminal it needs
--yes.
`,
    options: `  --count N             jobs to send, 1..100000 (the blog post sent 1000)
  --video FILE          video to send: a file, or an object in S3; several are sent in turn (default: the repository's sample)
  --concurrency N       calls under way at a time, 1..64 (default: 8)
${modelFlags.help}  --ttl SECONDS         maximum time that a job may wait in the queue, 60..21600 (default: 21600)
  --timeout SECONDS     time limit of one run, up to the stack's invocationTimeout (default: the stack's)
  --limit SECONDS       stop watching after this time; the jobs keep running (default: until each has ended or expired)
  --until-zero          keep watching until the endpoint has no instance, for the charts
  --yes                 start at any price without asking
  --dry-run             print the videos to send, their size and price, and send nothing
  --out FOLDER          folder for the report, created if missing (default: a new folder in out/)
`,
    end: `With --json the table is printed as one JSON object.

Exit status: 0 all jobs completed; 1 some failed, expired or have not ended; 2 wrong usage, or something is missing; 130
interrupted: the accepted jobs keep running, and the journal has them.
`,
  },
  options: {
    count: { type: "string" },
    video: { type: "string", multiple: true },
    concurrency: { type: "string" },
    ...modelFlags.options,
    ttl: { type: "string" },
    timeout: { type: "string" },
    limit: { type: "string" },
    "until-zero": { type: "boolean" },
    out: { type: "string" },
    yes: { type: "boolean" },
    "dry-run": { type: "boolean" },
  },
  flags,
  prepare(operands, given) {
    if (operands.length > 0) throw usage("burst takes no FILE: pass its videos with --video FILE");
    const { count } = given;
    if (count === undefined) throw usage("burst needs --count N, the number of jobs to send");
    const request = modelRequestOf(given);
    return (context) => run({ ...given, ...request, count }, context);
  },
});

async function run(given: Flags & ModelRequest & { readonly count: number }, context: Context): Promise<number> {
  const { stack, live, print, signal } = context;
  const { count } = given;
  const timeoutSeconds = timeoutWithin(stack.outputs, given.timeout);
  live.show("checking the videos", "new step");
  const { videos: found } = await findVideos(stack, given.video, signal);
  const estimated = { jobs: count, timeoutSeconds };
  if (given["dry-run"]) {
    printDryRun(found, estimated, context);
    return 0;
  }
  if (!(await confirmPrice(estimated, given.yes, context))) {
    live.say("Nothing was sent.");
    return 0;
  }
  const videos = await inS3(found, context);
  await checkEndpoint(stack, signal);
  const name = `burst-${randomBytes(4).toString("hex")}`;
  const folder = given.out ?? path.join("out", name);
  makeFolder(folder, "--out");
  await using manifest = await Manifest.create(path.join(folder, "jobs.jsonl"));
  const burst = new Burst(stack, {
    name,
    videos,
    count,
    manifest,
    concurrency: given.concurrency,
    ttlSeconds: given.ttl,
    timeoutSeconds,
    customAttributes: given.customAttributes,
    format: given.format,
    limitSeconds: given.limit,
    untilZero: given["until-zero"],
    signal,
    onProgress: (state) => {
      live.show(viewOf(state, count));
    },
  });
  live.show(`sending ${plural(count, "job")}`, "new step");
  try {
    const finished = await burst.run();
    live.show("waiting for CloudWatch's last minutes", "new step");
    const metrics = await waitForMetrics(stack, finished, { signal });
    const figures = figuresOf(finished, metrics);
    const notes = notesOf(finished, metrics, burst.state.firstFailure);
    const report = path.resolve(folder, "report.html");
    await writeWhole(report, await renderReport({ run: finished, figures, metrics, notes }));
    const printed = { name, ...figures, notes, report, manifest: path.resolve(manifest.file) };
    await writeWhole(path.join(folder, "figures.json"), `${JSON.stringify(printed, undefined, 2)}\n`);
    const rows = rowsOf(figures);
    const width = Math.max(...rows.map(({ label }) => label.length));
    print(
      [
        ...rows.map(({ label, value }) => `${label.padEnd(width)}  ${value}`),
        ...notes.map((note) => `note: ${note}`),
        `report: ${pathToFileURL(report).href}`,
      ],
      printed,
    );
    return finished.completed === count ? 0 : 1;
  } catch (error) {
    if (burst.state.accepted > 0 || isAbort(error)) live.say(underWay(burst.state, count, manifest.file));
    throw error;
  }
}

/** Returns each video as one object in S3, uploaded if necessary. */
async function inS3(
  found: readonly FoundVideo[],
  { stack, live, signal }: Context,
): Promise<readonly [BurstVideo, ...BurstVideo[]]> {
  const videos: BurstVideo[] = [];
  for (const { video, contentType, bytes } of found) {
    const inputLocation = isS3(video)
      ? video
      : await uploadVideo(stack, video, {
          signal,
          onProgress: ({ step, loaded, total }) => {
            live.show(`${path.basename(video)}: ${step} ${Math.floor((100 * loaded) / total)} %`);
          },
        }).then((uploaded) => uploaded.inputLocation);
    videos.push({ inputLocation, contentType, bytes });
  }
  const [first, ...others] = videos;
  if (first === undefined) throw usage("burst needs a --video FILE");
  return [first, ...others];
}

/** Formats the live line: short enough for a terminal of 80 columns. */
function viewOf(state: BurstState, count: number): string {
  const { accepted, completed, failed, expired, backlog, oldestSeconds, instances } = state;
  const sent = accepted < count ? `sent ${accepted} of ${count} · ` : "";
  const current = instances?.current ?? 0;
  const wanted = instances?.desired ?? 0;
  const gone = expired === 0 ? "" : ` · expired ${expired}`;
  const oldest = oldestSeconds === undefined ? "" : ` · oldest ${Math.round(oldestSeconds)} s`;
  const scale = wanted === current ? String(current) : `${current}→${wanted}`;
  return `${sent}backlog ${backlog} · instances ${scale} · processed ${completed} · failed ${failed}${gone}${oldest}`;
}

function underWay(
  { accepted, completed, failed, expired, backlog }: BurstState,
  count: number,
  manifest: string,
): string {
  const ended = completed + failed + expired;
  return (
    `accepted ${accepted} of ${plural(count, "job")}, ended ${ended}; still running ${backlog}. ` +
    `Follow them in ${manifest}: npm run status -- ${manifest}`
  );
}
