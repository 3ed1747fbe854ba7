import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { Manifest, readManifest } from "./manifest.ts";
import type { ManifestLine } from "./manifest-lines.ts";
import type { Job } from "./submit.ts";

const planned = (inferenceId: string): ManifestLine => ({
  event: "planned",
  of: 1,
  job: {
    inferenceId,
    endpointName: "video",
    file: `/videos/${inferenceId}.mp4`,
    contentType: "video/mp4",
    ttlSeconds: 60,
    timeoutSeconds: 30,
  },
});
const place = { inputLocation: "s3://in/a.mp4", contentType: "video/mp4" };
const intent = (inferenceId: string): ManifestLine => ({ event: "intent", inferenceId, ...place });
const job = (inferenceId: string): Job => ({
  inferenceId,
  endpointName: "video",
  ...place,
  outputLocation: "s3://out/1.out",
  submittedAt: "2030-01-01T00:00:00.000Z",
  ttlSeconds: 60,
  timeoutSeconds: 30,
  attempts: 1,
});
const accepted = (inferenceId: string): ManifestLine => ({ event: "accepted", job: job(inferenceId) });

describe("a manifest", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "manifest-"));
    file = path.join(folder, "jobs", "manifest.jsonl");
    await mkdir(path.dirname(file));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("has the appended lines on the disk, and every reader gets the same", async () => {
    await using manifest = await Manifest.create(file);
    await manifest.append(planned("a"), planned("b"));
    await manifest.append(intent("a"));
    await manifest.append(accepted("a"));
    await manifest.append(intent("b"));
    await manifest.append({ event: "ended", inferenceId: "a", status: "failed", reason: "no" });
    const read = await readManifest(file);
    assert.deepEqual(read, manifest.entries);
    assert.deepEqual(
      [...read.values()].map(({ intents, job, end }) => [intents, job?.inferenceId, end?.status]),
      [
        [1, "a", "failed"],
        [1, undefined, undefined],
      ],
    );
  });

  it("appears only with its complete plan", async () => {
    await using manifest = await Manifest.create(file);
    await assert.rejects(readManifest(file), /Cannot read .*\(ENOENT\)/);
    const line = planned("x");
    assert.ok(line.event === "planned");
    const jobs = Array.from({ length: 2_000 }, (_, index) => ({ ...line.job, inferenceId: `job-${index}` }));
    const planning = manifest.plan(jobs);
    for (;;) {
      const [read] = await Promise.allSettled([readManifest(file)]);
      if (read.status === "fulfilled") {
        assert.equal(read.value.size, jobs.length);
        break;
      }
      assert.match(String(read.reason), /ENOENT/);
    }
    await planning;
    assert.deepEqual((await readdir(path.dirname(file))).toSorted(), ["manifest.jsonl", "manifest.jsonl.lock"]);
  });

  it("leaves no file if nothing was planned", async () => {
    await (await Manifest.create(file))[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(path.dirname(file)), []);
  });

  it("does not replace a file that appears after it was created", async () => {
    await using manifest = await Manifest.create(file);
    await writeFile(file, "mine");
    await assert.rejects(manifest.append(planned("a")), /exists already/);
    assert.equal(await readFile(file, "utf8"), "mine");
  });

  it("keeps complete lines in order when many are appended at once", async () => {
    await using manifest = await Manifest.create(file);
    const names = Array.from({ length: 200 }, (_, index) => `job-${index}`);
    await Promise.all(names.map((name) => manifest.append(planned(name))));
    assert.deepEqual([...(await readManifest(file)).keys()], names);
  });

  it("is resumed without the remains of a last line that a crash has cut", async () => {
    {
      await using manifest = await Manifest.create(file);
      await manifest.append(planned("a"), intent("a"));
    }
    await appendFile(file, '{"event":"accepted","job":{"infe');
    assert.equal((await readManifest(file)).get("a")!.job, undefined);
    await using manifest = await Manifest.open(file);
    await manifest.append(accepted("a"));
    assert.deepEqual((await readManifest(file)).get("a")!.job, job("a"));
  });

  it("is not created over an existing one", async () => {
    await writeFile(file, `${JSON.stringify(planned("a"))}\n`);
    await assert.rejects(Manifest.create(file), /exists already: resume it \(--resume\)/);
    assert.deepEqual(await readdir(path.dirname(file)), ["manifest.jsonl"]);
  });

  it("is used by one process at a time", async () => {
    await using manifest = await Manifest.create(file);
    await manifest.append(planned("a"));
    await assert.rejects(Manifest.open(file), /Another process is at work on .*delete .*\.lock/);
  });

  it("is free again when the process that had it was killed", async () => {
    await writeFile(file, `${JSON.stringify(planned("a"))}\n`);
    const child = spawn(process.execPath, ["--eval", ""]);
    await once(child, "exit");
    await writeFile(`${file}.lock`, JSON.stringify({ pid: child.pid, host: hostname() }));
    await (await Manifest.open(file))[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(path.dirname(file)), ["manifest.jsonl"]);
  });

  it("is not taken from another machine's process, which cannot be checked", async () => {
    await writeFile(file, `${JSON.stringify(planned("a"))}\n`);
    await writeFile(`${file}.lock`, JSON.stringify({ pid: 1, host: `not-${hostname()}` }));
    await assert.rejects(Manifest.open(file), /Another process/);
  });

  it("is refused if a line is damaged, with the line's number", async () => {
    for (const line of ["{", '{"event":"launched"}', JSON.stringify(intent("never planned"))]) {
      await writeFile(file, `${JSON.stringify(planned("a"))}\n${line}\n`);
      await assert.rejects(readManifest(file), /line 2[,:]/);
      await assert.rejects(Manifest.open(file), /line 2/);
    }
  });

  it("requires an existing folder", async () => {
    await rm(path.dirname(file), { recursive: true });
    await assert.rejects(Manifest.create(file), {
      name: "SetupError",
      message: /Cannot write the job journal .*manifest\.jsonl \(ENOENT\): its folder does not exist/,
    });
    assert.deepEqual(await readdir(folder), []);
  });

  it("is refused if there is none, or none can be created", async () => {
    await assert.rejects(Manifest.open(file), /Cannot read .*ENOENT/);
    await writeFile(path.join(folder, "taken"), "");
    await assert.rejects(Manifest.create(path.join(folder, "taken", "m")), {
      name: "SetupError",
      message: /Cannot write/,
    });
  });
});
