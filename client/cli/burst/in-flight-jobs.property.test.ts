import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import fc from "fast-check";
import { connect } from "../../src/stack.ts";
import type { Stack } from "../../src/stack.ts";
import type { Job } from "../../src/submit.ts";
import { objectKey, startFakeAws } from "../../testing/fake-aws.ts";
import type { FakeAws } from "../../testing/fake-aws.ts";
import { JobsUnderWay } from "./in-flight-jobs.ts";

describe("jobs under way", () => {
  let aws: FakeAws;
  let stack: Stack;

  before(async () => {
    aws = await startFakeAws();
    stack = connect(aws.outputs);
  });

  after(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  const jobOf = (name: string): Job => ({
    inferenceId: name,
    endpointName: "video",
    inputLocation: "s3://in/a.mp4",
    contentType: "video/mp4",
    outputLocation: `s3://out/results/${name}.out`,
    failureLocation: `s3://out/failures/${name}-error.out`,
    submittedAt: aws.now.toISOString(),
    ttlSeconds: 21_600,
    timeoutSeconds: 900,
    attempts: 1,
  });
  const underWay = (count: number) => {
    aws.objects.clear();
    aws.requests.length = 0;
    const all = Array.from({ length: count }, (_, index) => jobOf(String(index)));
    const jobs = new JobsUnderWay();
    for (const job of all) jobs.add(job);
    return { all, jobs };
  };
  const complete = ({ outputLocation }: Job): void => {
    aws.objects.set(objectKey(outputLocation), Buffer.from("{}"));
  };

  it("are checked a few at a time for any number of jobs", async () => {
    const { jobs } = underWay(1000);
    assert.deepEqual(await jobs.look(stack), []);
    assert.equal(aws.count("GetObject"), 2 * 2 * 16);
  });

  it("are all found in one check if they end in the order of their acceptance", async () => {
    const { all, jobs } = underWay(200);
    for (const job of all.slice(0, 150)) complete(job);
    assert.equal((await jobs.look(stack)).length, 150);
    assert.equal(jobs.size, 50);
    assert.equal(jobs.oldest, all[150]);
  });

  it("end once each, in any order, and none is overlooked for long", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(39), { maxLength: 20 }), { maxLength: 4 }), async (rounds) => {
        const { all, jobs } = underWay(40);
        const found: string[] = [];
        const look = async () => {
          for (const { job, state } of await jobs.look(stack)) {
            assert.equal(state.status, "completed");
            found.push(job.inferenceId);
          }
        };
        for (const round of rounds) {
          for (const index of round) complete(all[index]!);
          await look();
        }
        // Each check reaches 16 jobs that are not in front, so this number reaches all.
        for (let looks = 0; looks < 40 / 16 + 1; looks++) await look();
        const ended = new Set(rounds.flat().map(String));
        assert.deepEqual(found.toSorted(), [...ended].toSorted());
        assert.equal(jobs.size, 40 - ended.size);
      }),
      { numRuns: 4 },
    );
  }).timeout(60_000);
});
