import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import fc from "fast-check";
import { z } from "zod";
import { entriesOf, partIdOf } from "./job-record.ts";
import { JobJournal } from "./journal.ts";
import { parseJournal } from "./journal-text.ts";
import { partsOf } from "./parts/cut-times.ts";
import { connect } from "./stack.ts";
import { resumeAll, submitAll } from "./submit-all.ts";
import type { Submission, SubmitOptions } from "./submit-all.ts";
import { videoBytes } from "../testing/command-fixture.ts";
import { FakeAws, objectKey, startFakeAws } from "../testing/fake-aws.ts";
import type { Fault } from "../testing/fake-aws.ts";
import { retryAtOnce } from "../testing/retry-at-once.ts";
import { sampleResult } from "../testing/sample-result.ts";
import { waitForJobs } from "./wait.ts";

/** One process's life: the request at which it is killed, and the service's answers until then. */
interface Life {
  readonly killedAt: { readonly atRequest: number; readonly afterWork: boolean };
  readonly torn: string;
  readonly faults: readonly Fault[];
}

const requestSchema = z.object({ video: z.string(), etag: z.string() });

const faults: fc.Arbitrary<Fault> = fc.record({
  operation: fc.constantFrom(
    "InvokeEndpointAsync",
    "InvokeEndpointAsync",
    "PutObject",
    "HeadObject",
    "PutRecord",
    "PutRecord",
  ),
  answer: fc.constantFrom<Fault["answer"]>("lose the answer", "lose the answer", {
    status: 500,
    code: "InternalFailure",
  }),
});

const lives: fc.Arbitrary<Life> = fc.record({
  killedAt: fc.record({ atRequest: fc.integer({ min: 1, max: 20 }), afterWork: fc.boolean() }),
  // Possible remains of a line after a crash.
  torn: fc.constantFrom("", "{", '{"event":"accepted","job":{"inferenceId":"'),
  faults: fc.array(faults, { maxLength: 1 }),
});

const schedules = fc.record({
  requests: fc.constantFrom("reference", "payload"),
  videos: fc.array(fc.constantFrom("file", "object", "parts"), { minLength: 1, maxLength: 4 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  killed: fc.array(lives, { maxLength: 3 }),
  lastFaults: fc.array(faults, { maxLength: 2 }),
});

describe("a submission that is killed and resumed", () => {
  let aws: FakeAws;
  let folder: string;

  beforeEach(async () => {
    aws = await startFakeAws();
    folder = await mkdtemp(join(tmpdir(), "schedule-"));
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Runs one process until it ends or is killed; returns the journal that it leaves. */
  const live = async (
    journalFile: string,
    life: Pick<Life, "faults"> & Partial<Life>,
    next: string,
    work: (journal: JobJournal, options: SubmitOptions) => Promise<unknown>,
  ): Promise<{ left: string; killed: boolean }> => {
    aws.answerAgain();
    for (const fault of life.faults) aws.fail(fault);
    const controller = new AbortController();
    const death = { killed: false };
    if (life.killedAt !== undefined) {
      aws.die({
        ...life.killedAt,
        onDeath: () => {
          // The content of the disk at this moment is everything that the next process has.
          copyFileSync(journalFile, next);
          death.killed = true;
          controller.abort();
        },
      });
    }
    const open = await JobJournal.open(journalFile).catch(() => JobJournal.create(journalFile));
    await using journal = open;
    const working = work(journal, { signal: controller.signal });
    if (life.killedAt === undefined) await working;
    else
      await working.catch((error: unknown) => {
        assert.ok(death.killed, String(error));
      });
    aws.revive();
    if (!death.killed) return { left: journalFile, killed: false };
    await appendFile(next, life.torn ?? "");
    return { left: next, killed: true };
  };

  it("loses no job, counts none twice, records each before its call and after it, and repeats a call only if an answer was lost", async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(schedules, async ({ requests, videos, concurrency, killed, lastFaults }) => {
        round += 1;
        aws.requestMode = requests;
        const from = aws.invocations.length;
        const invocations = () => aws.invocations.slice(from);
        using stack = retryAtOnce(connect(aws.outputs));
        aws.onInvocation = ({ inferenceId, inputLocation }) => {
          unrecordedCalls += recordOf(inferenceId).source.uri === videoOf(inputLocation) ? 0 : 1;
        };
        let unrecordedCalls = 0;
        /** Returns the video of an invocation, to which the request refers or which it is. */
        const videoOf = (location: string): string => {
          if (requests === "payload") return location;
          const { video, etag } = requestSchema.parse(JSON.parse(String(aws.objects.get(objectKey(location)))));
          assert.equal(etag, aws.s3.etag(objectKey(video)));
          return video;
        };
        const names = videos.map((kind, index) => {
          const name = `${round}-${index}.mp4`;
          return kind === "object" ? `s3://in/videos/${name}` : join(folder, name);
        });
        const submissions = names.flatMap((video, index): readonly Submission[] => {
          if (videos[index] !== "parts" || requests === "payload") return [{ video }];
          const job = `job-${round}-${index}`;
          return partsOf([10, 20], []).map((part, number) => ({
            video,
            inferenceId: partIdOf(job, number),
            part: { job, number, ...part },
          }));
        });
        const owners = new Map(submissions.map(({ inferenceId, part }) => [inferenceId, part?.job]));
        const recordOf = (inferenceId: string) => aws.record(owners.get(inferenceId) ?? inferenceId);
        for (const name of names) {
          if (name.startsWith("s3:")) aws.objects.set(objectKey(name), videoBytes(name));
          else await writeFile(name, videoBytes(name));
        }
        let lostByFault = 0;
        let lostByKill = 0;
        let journalFile = join(folder, `${round}-0.jsonl`);
        let begun = false;
        const run = (journal: JobJournal, options: SubmitOptions) => {
          if (begun) return resumeAll(stack, journal, { ...options, concurrency });
          begun = true;
          return submitAll(stack, submissions, { ...options, concurrency, journal });
        };
        for (const [index, life] of [...killed, { faults: lastFaults }].entries()) {
          const next = join(folder, `${round}-${index + 1}.jsonl`);
          lostByFault += life.faults.filter(
            ({ operation, answer }) => operation === "InvokeEndpointAsync" && answer === "lose the answer",
          ).length;
          const { left, killed } = await live(journalFile, life, next, run);
          journalFile = left;
          if (killed) {
            const entries = parseJournal(readFileSync(left), left).entries;
            // Called in this or an earlier life, and not known to be accepted.
            lostByKill += [...entries.values()].filter(({ attempts, job }) => attempts > 0 && job === undefined).length;
          }
        }

        const entries = parseJournal(readFileSync(journalFile), journalFile).entries;
        const jobs = [...entries.values()].map(({ job }) => job ?? assert.fail("a job is lost"));
        assert.deepEqual(
          [...entries.values()].map(({ planned }) => planned.file ?? planned.inputLocation),
          submissions.map(({ video }) => video),
        );
        assert.deepEqual(new Set(invocations().map(({ inferenceId }) => inferenceId)), new Set(entries.keys()));
        assert.ok(
          invocations().length <= submissions.length + lostByFault + lostByKill,
          `${invocations().length} calls for ${submissions.length} requests; answers lost: ${lostByFault} by faults, ${lostByKill} by kills`,
        );
        assert.equal(unrecordedCalls, 0, "a call was made before its record was written");
        for (const { inferenceId, outputLocation } of jobs) {
          const known = entriesOf(recordOf(inferenceId));
          assert.equal(known.get(inferenceId)?.job?.outputLocation, outputLocation, "the record has other locations");
        }
        for (const job of jobs) {
          const told = invocations().filter(({ outputLocation }) => outputLocation === job.outputLocation);
          assert.deepEqual(
            told.map(({ inferenceId, inputLocation }) => [inferenceId, inputLocation, videoOf(inputLocation)]),
            [[job.inferenceId, job.requestLocation ?? job.inputLocation, job.inputLocation]],
          );
        }

        // Each call that the service accepted gives a result, twice if it was made twice.
        for (const { outputLocation } of invocations()) {
          aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(sampleResult)));
        }
        const ended: string[] = [];
        await waitForJobs(stack, jobs, (job, { status }) => {
          ended.push(`${job.inferenceId} ${status}`);
        });
        assert.deepEqual(ended.toSorted(), jobs.map(({ inferenceId }) => `${inferenceId} completed`).toSorted());
      }),
      { numRuns: 40 },
    );
  }).timeout(300_000);
});
