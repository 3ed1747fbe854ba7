/** Tests for the jobs that `submit --wait` waits for. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { readJournal } from "../../src/journal.ts";
import { startCommandFixture, videoBytes } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";
import { objectKey } from "../../testing/fake-aws.ts";

describe("the command submit --wait", () => {
  let fixture: CommandFixture;

  forEachTest(startCommandFixture, (started) => (fixture = started));

  const submit = (...args: readonly string[]) => fixture.submit(...args);
  const video = (name: string) => fixture.path(name);

  it("waits for each job's end, prints and records it once, and exits 1 if one failed", async () => {
    fixture.aws.onInvocation = (invocation) => {
      (fixture.aws.invocations.length === 1 ? fixture.complete : fixture.fail)(invocation);
    };
    const { status, lines } = await submit(video("a.mp4"), video("b.mp4"), "--wait");
    assert.equal(status, 1);
    const [good, bad] = fixture.aws.invocations.map(({ inferenceId }) =>
      lines().filter((line) => line.inferenceId === inferenceId && line.status !== undefined),
    );
    assert.deepEqual(
      good!.map((line) => [line.status, line.result?.detections]),
      [["completed", 3]],
    );
    assert.deepEqual(
      bad!.map((line) => [line.status, line.reason]),
      [["failed", "not a video"]],
    );
    const ends = [...(await readJournal(fixture.journal)).values()].map(({ end }) => end?.status).toSorted();
    assert.deepEqual(ends, ["completed", "failed"]);
  });

  it("ends a wait with the right counts, and reports that a finished submission is complete", async () => {
    fixture.aws.onInvocation = (invocation) => {
      (fixture.aws.invocations.length === 1 ? fixture.complete : fixture.fail)(invocation);
    };
    const waited = await submit(video("a.mp4"), video("b.mp4"), "--wait");
    assert.match(waited.stderr, /^2 of 2 jobs ended: (1 completed, 1 failed|1 failed, 1 completed)$/m);
    assert.match(waited.stderr, /^cost: none \(AWS emulator\)$/m);
    const resumed = await submit("--resume", "--wait");
    assert.equal(resumed.status, 1);
    assert.match(resumed.stderr, /^already complete: 2 of 2 jobs accepted$/m);
    assert.match(resumed.stderr, /^2 of 2 jobs ended: 1 completed, 1 failed$/m);
    assert.doesNotMatch(resumed.stderr, /0 of 0|0 jobs/);
  });

  it("counts the jobs of earlier processes in the summary of a resumed submission", async () => {
    fixture.aws.onInvocation = () => {
      fixture.controller.abort();
    };
    const files = ["a.mp4", "b.mp4"].map(video);
    assert.equal((await submit(...files, "--concurrency", "1")).status, 130);
    await using next = await startCommandFixture();
    next.aws.onInvocation = next.complete;
    const { status, stderr } = await next.execute(["submit", "--resume", "--journal", fixture.journal]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^2 of 2 submitted$/m);
    assert.match(stderr, /^2 of 2 jobs accepted$/m);
    assert.match(stderr, /^cost: no cost \(AWS emulator/m);
  });

  it("counts a result that cannot be used, and a job that is pending at the limit", async () => {
    fixture.aws.onInvocation = ({ outputLocation }) => {
      if (fixture.aws.invocations.length === 1) fixture.aws.objects.set(objectKey(outputLocation), Buffer.from("{}"));
    };
    const { status, stderr } = await submit(video("a.mp4"), video("b.mp4"), "--wait", "--limit", "1");
    assert.equal(status, 1);
    assert.match(stderr, /^1 of 2 jobs ended: 1 without a usable result$/m);
  });

  it("holds one result in memory at a time, even if many jobs end at once", async () => {
    fixture.aws.onInvocation = fixture.complete;
    fixture.aws.answerMs = 5;
    const names = Array.from({ length: 16 }, (_, index) => `${index}.mp4`);
    for (const name of names) await writeFile(video(name), videoBytes(name));
    const { status, stderr } = await submit(...names.map(video), "--wait");
    assert.equal(status, 0, stderr);
    assert.equal(fixture.aws.count("GetObject") >= 2 * names.length, true);
    assert.equal(fixture.aws.maxWholeReads, 1);
  });

  it("shows the detections and the model's notice", async () => {
    fixture.aws.onInvocation = fixture.complete;
    const { status, stdout } = await fixture.execute([
      "submit",
      video("a.mp4"),
      "--wait",
      "--journal",
      fixture.journal,
    ]);
    assert.equal(status, 0);
    assert.match(stdout, /a\.mp4: completed: 2 frames, 3 detections: car 2, person 1\n {2}knows only generated shapes/);
  });

  it("exits 1 if a result does not match the schema, and reports it", async () => {
    fixture.aws.onInvocation = ({ outputLocation }) =>
      fixture.aws.objects.set(objectKey(outputLocation), Buffer.from("{}"));
    const { status, stdout } = await submit(video("a.mp4"), "--wait");
    assert.equal(status, 1);
    assert.match(stdout, /result\.schema\.json/);
  });

  it("stops waiting at the limit and reports the job as pending; with --resume it waits for the same job", async () => {
    const { status, lines } = await submit(video("a.mp4"), "--wait", "--limit", "1");
    assert.equal(status, 1);
    assert.equal(lines().at(-1)!.status, "pending");
    fixture.complete(fixture.aws.invocations[0]!);
    const resumed = await submit("--resume", "--wait");
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.deepEqual(
      resumed.lines().map((line) => line.status),
      ["completed"],
    );
    assert.equal(fixture.aws.invocations.length, 1);
    assert.equal((await submit("--resume", "--wait")).status, 0);
  });

  it("prints the next command if the wait is interrupted", async () => {
    fixture.aws.onInvocation = () => {
      setTimeout(() => {
        fixture.controller.abort();
      }, 500);
    };
    const { status, stderr } = await submit(video("a.mp4"), "--wait");
    assert.equal(status, 130);
    assert.match(stderr, /follow them: npm run status -- .*journal\.jsonl/);
  });
});
