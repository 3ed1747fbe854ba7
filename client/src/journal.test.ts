import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { JobJournal, readJournal } from "./journal.ts";
import type { JournalLine } from "./journal-lines.ts";
import { ownerRecord } from "../../lib/lock.ts";
import type { Job } from "./submit.ts";

const planned = (inferenceId: string): JournalLine => ({
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
const attempt = (inferenceId: string): JournalLine => ({ event: "attempt", inferenceId, ...place });
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
const accepted = (inferenceId: string): JournalLine => ({ event: "accepted", job: job(inferenceId) });

describe("a journal", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "journal-"));
    file = join(folder, "jobs", "journal.jsonl");
    await mkdir(dirname(file));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("has the appended lines on the disk, and every reader gets the same", async () => {
    await using journal = await JobJournal.create(file);
    await journal.append(planned("a"), planned("b"));
    await journal.append(attempt("a"));
    await journal.append(accepted("a"));
    await journal.append(attempt("b"));
    await journal.append({ event: "ended", inferenceId: "a", status: "failed", reason: "no" });
    const read = await readJournal(file);
    assert.deepEqual(read, journal.entries);
    assert.deepEqual(
      [...read.values()].map(({ attempts, job, end }) => [attempts, job?.inferenceId, end?.status]),
      [
        [1, "a", "failed"],
        [1, undefined, undefined],
      ],
    );
  });

  it("appears only with its complete plan", async () => {
    await using journal = await JobJournal.create(file);
    await assert.rejects(readJournal(file), /Cannot read .*\(ENOENT\)/);
    const line = planned("x");
    assert.ok(line.event === "planned");
    const jobs = Array.from({ length: 2_000 }, (_, index) => ({ ...line.job, inferenceId: `job-${index}` }));
    const planning = journal.plan(jobs);
    for (;;) {
      const [read] = await Promise.allSettled([readJournal(file)]);
      if (read.status === "fulfilled") {
        assert.equal(read.value.size, jobs.length);
        break;
      }
      assert.match(String(read.reason), /ENOENT/);
    }
    await planning;
    assert.deepEqual((await readdir(dirname(file))).toSorted(), ["journal.jsonl", "journal.jsonl.lock"]);
  });

  it("leaves no file if nothing was planned", async () => {
    await (await JobJournal.create(file))[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(dirname(file)), []);
  });

  it("does not replace a file that appears after it was created", async () => {
    await using journal = await JobJournal.create(file);
    await writeFile(file, "mine");
    await assert.rejects(journal.append(planned("a")), /exists already/);
    assert.equal(await readFile(file, "utf8"), "mine");
  });

  it("keeps complete lines in order when many are appended at once", async () => {
    await using journal = await JobJournal.create(file);
    const names = Array.from({ length: 200 }, (_, index) => `job-${index}`);
    await Promise.all(names.map((name) => journal.append(planned(name))));
    assert.deepEqual([...(await readJournal(file)).keys()], names);
  });

  it("is resumed without the remains of a last line that a crash has cut", async () => {
    {
      await using journal = await JobJournal.create(file);
      await journal.append(planned("a"), attempt("a"));
    }
    await appendFile(file, '{"event":"accepted","job":{"infe');
    assert.equal((await readJournal(file)).get("a")!.job, undefined);
    await using journal = await JobJournal.open(file);
    await journal.append(accepted("a"));
    assert.deepEqual((await readJournal(file)).get("a")!.job, job("a"));
  });

  it("is not created over an existing one", async () => {
    await writeFile(file, `${JSON.stringify(planned("a"))}\n`);
    await assert.rejects(JobJournal.create(file), /exists already: resume it \(--resume\)/);
    assert.deepEqual(await readdir(dirname(file)), ["journal.jsonl"]);
  });

  it("is used by one process at a time", async () => {
    await using journal = await JobJournal.create(file);
    await journal.append(planned("a"));
    await assert.rejects(JobJournal.open(file), /Another process is at work on .*delete .*\.lock/);
  });

  it("is free again when the process that had it was killed", async () => {
    await writeFile(file, `${JSON.stringify(planned("a"))}\n`);
    const child = spawn(process.execPath, ["--eval", ""]);
    await once(child, "exit");
    await writeFile(`${file}.lock`, JSON.stringify({ ...ownerRecord(), pid: child.pid }));
    await (await JobJournal.open(file))[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(dirname(file)), ["journal.jsonl"]);
  });

  it("is not taken from another machine's process, which cannot be checked", async () => {
    await writeFile(file, `${JSON.stringify(planned("a"))}\n`);
    await writeFile(`${file}.lock`, JSON.stringify({ ...ownerRecord(), host: `not-${hostname()}` }));
    await assert.rejects(JobJournal.open(file), /Another process/);
  });

  it("is refused if a line is damaged, with the line's number", async () => {
    for (const line of ["{", '{"event":"launched"}', JSON.stringify(attempt("never planned"))]) {
      await writeFile(file, `${JSON.stringify(planned("a"))}\n${line}\n`);
      await assert.rejects(readJournal(file), /line 2[,:]/);
      await assert.rejects(JobJournal.open(file), /line 2/);
    }
  });

  it("requires an existing folder", async () => {
    await rm(dirname(file), { recursive: true });
    await assert.rejects(JobJournal.create(file), {
      name: "SetupError",
      message: /Cannot write the job journal .*journal\.jsonl \(ENOENT\): its folder does not exist/,
    });
    assert.deepEqual(await readdir(folder), []);
  });

  it("is refused if there is none, or none can be created", async () => {
    await assert.rejects(JobJournal.open(file), /Cannot read .*ENOENT/);
    await writeFile(join(folder, "taken"), "");
    await assert.rejects(JobJournal.create(join(folder, "taken", "m")), {
      name: "SetupError",
      message: /Cannot write/,
    });
  });
});
