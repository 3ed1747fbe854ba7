/**
 * One measured run, in a separate process; prints one JSON line: `run.ts peak URL FILE`, `run.ts ours|plain URL FOLDER
 * CONCURRENCY`.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { connect, JobJournal, submitAll } from "../src/index.ts";
import type { Stack } from "../src/index.ts";
import { outputsAt } from "../testing/outputs-at.ts";

/** The sink accepts any credentials. */
const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };

/** Submits all files; calls back for each accepted one. */
type Submitting = (stack: Stack, files: readonly string[], concurrency: number, accepted: () => void) => Promise<void>;

const ours: Submitting = async (stack, files, concurrency, accepted) => {
  const file = join(dirname(files[0] ?? "."), "journal.jsonl");
  try {
    await using journal = await JobJournal.create(file);
    const submissions = files.map((video) => ({ video }));
    await submitAll(stack, submissions, { concurrency, journal, onOutcome: accepted });
  } finally {
    await rm(file, { force: true });
  }
};

/** Makes the same calls to AWS in loops over the plain SDK: no hash, no journal, no progress. */
const plain: Submitting = async (stack, files, concurrency, accepted) => {
  const left = files.values();
  const loop = async (): Promise<void> => {
    for (const file of left) {
      const place = { Bucket: "in", Key: `videos/${basename(file)}` };
      await stack.s3.send(new HeadObjectCommand(place)).catch(() => undefined);
      await stack.s3.send(new PutObjectCommand({ ...place, Body: await readFile(file), ContentType: "video/mp4" }));
      const record = { Bucket: "out", Key: `jobs/${basename(file)}.json`, ContentType: "application/json" };
      const Body = JSON.stringify({ uri: `s3://in/videos/${basename(file)}` });
      const { ETag } = await stack.s3.send(new PutObjectCommand({ ...record, Body, IfNoneMatch: "*" }));
      const request = { Bucket: "in", Key: `videos/requests/${basename(file)}.json`, ContentType: "application/json" };
      await stack.s3.send(new PutObjectCommand({ ...request, Body }));
      await stack.runtime.send(
        new InvokeEndpointAsyncCommand({
          EndpointName: "video",
          InputLocation: `s3://in/videos/${basename(file)}`,
          ContentType: "video/mp4",
          Accept: "application/json",
          InferenceId: basename(file),
          RequestTTLSeconds: 21_600,
          InvocationTimeoutSeconds: 900,
        }),
      );
      await stack.s3.send(new PutObjectCommand({ ...record, Body, IfMatch: ETag }));
      accepted();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
};

/** Measures submissions per second, in total and in each second. */
async function rate(submitting: Submitting, url: string, folder: string, concurrency: number) {
  using stack = connect({ ...outputsAt(url), requests: "reference" }, credentials);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".mp4"));
  const files = names.map((name) => join(folder, name));
  // Warm up: connections are open and code is compiled afterwards.
  await submitting(stack, files.slice(0, 300), concurrency, () => undefined);
  const started = performance.now();
  const perSecond: number[] = [];
  await submitting(stack, files, concurrency, () => {
    const second = Math.floor((performance.now() - started) / 1000);
    perSecond[second] = (perSecond[second] ?? 0) + 1;
  });
  const seconds = (performance.now() - started) / 1000;
  return {
    submits_per_second: files.length / seconds,
    per_second: Array.from({ length: perSecond.length }, (_, second) => perSecond[second] ?? 0),
  };
}

/** Measures the process's peak memory, MB, after one upload with its journal. */
async function peak(url: string, file: string) {
  using stack = connect({ ...outputsAt(url), requests: "reference" }, credentials);
  const started = performance.now();
  await ours(stack, [file], 8, () => undefined);
  const seconds = (performance.now() - started) / 1000;
  // maxRSS is in KiB on every platform (Node's documentation, process.resourceUsage).
  return { peak_mb: (process.resourceUsage().maxRSS * 1024) / 1e6, seconds };
}

const [kind, url = "", target = "", concurrency] = process.argv.slice(2);
const figures =
  kind === "peak"
    ? await peak(url, target)
    : await rate(kind === "ours" ? ours : plain, url, target, Number(concurrency));
process.stdout.write(`${JSON.stringify(figures)}\n`);
