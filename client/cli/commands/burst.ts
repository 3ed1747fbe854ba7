/** The command burst: runs the experiment of AWS's blog post on a stack, with its table and a report of its charts. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { writeWhole } from "../../../lib/files.ts";
import { Burst, watchLimitSeconds } from "../burst/burst.ts";
import type { BurstState, BurstVideo } from "../burst/burst.ts";
import { figuresOf, rowsOf } from "../burst/figures.ts";
import { measurementsOf } from "../burst/measurements.ts";
import { waitForMetrics } from "../burst/metrics-wait.ts";
import { notesOf } from "../burst/notes.ts";
import { renderReport } from "../burst/report.ts";
import { wholeNumber } from "../../../lib/command-line.ts";
import type { CommandContext } from "../../../lib/command-line.ts";
import { runOnStack } from "../session.ts";
import type { Session } from "../session.ts";
import { confirmPrice } from "../confirm.ts";
import { printDryRun } from "../dry-run.ts";
import { checkEndpoint } from "../../src/endpoint.ts";
import { UsageError } from "../../../lib/errors.ts";
import { timeoutWithin } from "../../src/limits.ts";
import { customAttributesOf } from "../../src/model-options.ts";
import { JobJournal } from "../../src/journal.ts";
import { makeFolder } from "../out-folder.ts";
import { findVideos } from "../../src/find-videos.ts";
import type { FoundVideo } from "../../src/find-videos.ts";
import { isS3 } from "../../src/submit-all.ts";
import { uploadVideo } from "../../src/upload.ts";
import { plural } from "../../src/format.ts";
import { modelCommand } from "./model-options.ts";

/** The repository's sample, used without --video. */
const sample = join(import.meta.dirname, "..", "..", "..", "model", "samples", "street.mp4");

/** Name of the journal in the folder of the report. */
const journalName = "jobs.jsonl";

function defineBurst() {
  return modelCommand(
    "burst",
    "Sends many jobs as fast as the service accepts them, all reading the same object in S3, watches them, and prints the " +
      "table of AWS's blog post from the stack's metrics. The folder gets report.html, figures.json, measurements.json for " +
      "plan --from-burst, and jobs.jsonl, a job journal for status and fetch. Above 1 USD on AWS it asks before it sends anything.",
  )
    .option("--count <n>", "jobs to send (the blog post sent 1000)", wholeNumber("a whole number", 1, 100_000))
    .option("--video <file...>", "file, or object in S3; several are sent in turn (default: the sample)")
    .option(
      "--limit <seconds>",
      "stop watching after this time; the jobs keep running",
      wholeNumber("whole seconds", 1, watchLimitSeconds),
    )
    .option("--until-zero", "keep watching until the endpoint has no instance", false)
    .option("--yes", "start at any price without asking", false)
    .option("--out <folder>", "folder for the report (default: a new folder in out/)");
}

type Flags = ReturnType<ReturnType<typeof defineBurst>["opts"]>;

/** Defines the command. */
export function burstCommand(context: CommandContext): CommandUnknownOpts {
  return defineBurst()
    .addHelpText("after", "\nExample:\n  npm run burst -- --count 200 --dry-run")
    .action(async (flags) => {
      const { count } = flags;
      if (count === undefined) throw new UsageError("burst needs --count N, the number of jobs to send");
      await runOnStack(flags, context, (session) => run({ ...flags, count }, session));
    });
}

async function run(flags: Flags & { readonly count: number }, session: Session): Promise<number> {
  const { stack, live, print, signal } = session;
  const { count } = flags;
  const timeoutSeconds = timeoutWithin(stack.outputs, flags.timeout);
  live.show("checking the videos", "new step");
  const { videos: found } = await findVideos(stack, flags.video ?? [sample], signal);
  const estimated = { jobs: count, timeoutSeconds };
  if (flags.dryRun) {
    if (flags.out !== undefined && existsSync(flags.out)) await JobJournal.checkNew(join(flags.out, journalName));
    printDryRun(found, estimated, session);
    return 0;
  }
  if (!(await confirmPrice(estimated, flags.yes, session))) {
    live.say("Nothing was sent.");
    return 0;
  }
  // Before the upload, whose retries take minutes. A burst counts the instances.
  await checkEndpoint(stack, signal, true);
  const videos = await inS3(found, session);
  const name = `burst-${randomBytes(4).toString("hex")}`;
  const folder = flags.out ?? join("out", name);
  makeFolder(folder, "--out");
  await using journal = await JobJournal.create(join(folder, journalName));
  const burst = new Burst(stack, {
    name,
    videos,
    count,
    journal,
    concurrency: flags.concurrency,
    ttlSeconds: flags.ttl,
    timeoutSeconds,
    customAttributes: customAttributesOf(flags),
    format: flags.format,
    limitSeconds: flags.limit,
    untilZero: flags.untilZero,
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
    const report = resolve(folder, "report.html");
    await writeWhole(report, await renderReport({ run: finished, figures, metrics, notes }));
    const file = resolve(journal.file);
    // `manifest` is the old name of `journal`.
    const measurements = resolve(folder, "measurements.json");
    await writeWhole(measurements, `${JSON.stringify(measurementsOf(finished, metrics))}\n`);
    const printed = { name, ...figures, notes, report, measurements, journal: file, manifest: file };
    await writeWhole(join(folder, "figures.json"), `${JSON.stringify(printed, undefined, 2)}\n`);
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
    if (burst.state.accepted > 0) live.say(underWay(burst.state, count, journal.file));
    throw error;
  }
}

/** Returns each video as one object in S3, uploaded if necessary. */
async function inS3(
  found: readonly FoundVideo[],
  { stack, live, signal }: Session,
): Promise<readonly [BurstVideo, ...BurstVideo[]]> {
  const videos: BurstVideo[] = [];
  for (const { video, contentType, bytes } of found) {
    if (isS3(video)) {
      videos.push({ inputLocation: video, contentType, bytes });
      continue;
    }
    const name = basename(video);
    const { inputLocation } = await uploadVideo(stack, video, {
      signal,
      onProgress: ({ step, loaded, total }) => {
        // After the last byte is hashed, S3 is asked for the object, and the upload starts.
        const isHashed = step === "hashing" && loaded === total;
        live.show(isHashed ? `${name}: uploading` : `${name}: ${step} ${Math.floor((100 * loaded) / total)} %`);
      },
      onProblem: (problem) => {
        live.show(`${name}: uploading, retrying: ${problem}`, "new step");
      },
    });
    videos.push({ inputLocation, file: video, contentType, bytes });
  }
  const [first, ...others] = videos;
  if (first === undefined) throw new UsageError("burst needs a --video FILE");
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
  journal: string,
): string {
  const ended = completed + failed + expired;
  return (
    `accepted ${accepted} of ${plural(count, "job")}, ended ${ended}; still running ${backlog}. ` +
    `Follow them in ${journal}: npm run status -- ${journal}`
  );
}
