/** Tests for the commands that follow a video that was sent in parts. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import type { CommandFixture, PrintedLine } from "../../testing/command-fixture.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { startPartsFixture } from "../../testing/parts-fixture.ts";
import type { SeenInvocation } from "../../testing/fake-aws.ts";
import { currentResult } from "../../testing/sample-result.ts";
import { parseResult } from "../../src/result.ts";
import type { VideoResult } from "../../src/result.ts";

/** Seconds of the parts: `submit` cuts at keyframes. */
const cuts = [0, 2, 6, 8, 12];

describe("a job in parts", function () {
  this.timeout(60_000);
  let fixture: CommandFixture;

  forEachTest(startPartsFixture, (started) => (fixture = started));

  const submit = () => fixture.submit(fixture.path("street.mp4"), "--part", "0.05");

  const numberOf = ({ inferenceId }: SeenInvocation) => Number(/-(\d+)(\.|$)/.exec(inferenceId)?.[1]);

  /** Puts the result of the part that a request is for, with a frame per second. */
  const complete = (invocation: SeenInvocation, change: Partial<VideoResult> = {}): void => {
    const number = numberOf(invocation);
    const [from = 0, to = 0] = cuts.slice(number);
    const result: VideoResult = {
      ...currentResult,
      part: { from, to: number === 3 ? null : to },
      truncated: false,
      truncation: null,
      damage: { packets: 1, gaps: [] },
      frames: Array.from({ length: to - from }, (_, index) => ({
        index: 25 * (from + index),
        timestamp: from + index,
        sampled: "exact",
        detections: [{ label: "car", label_id: 3, score: 0.9, box: [1, 2, 30, 40] }],
        k: from + index,
        pts: 25 * (from + index),
      })),
      ...change,
    };
    fixture.aws.objects.set(objectKey(invocation.outputLocation), Buffer.from(JSON.stringify(result)));
  };

  const fetch = () => fixture.execute(["fetch", fixture.journal, "--to", fixture.path("out"), "--json"]);
  const jobOf = () => fixture.aws.invocations[0]?.inferenceId.replace(/-\d+$/, "") ?? "";

  it("is fetched as one result of the whole video", async () => {
    fixture.aws.onInvocation = complete;
    await submit();
    const { status, stderr, lines } = await fetch();
    assert.equal(status, 0, stderr);
    assert.equal(lines().length, 1);
    assert.equal(lines()[0]?.result?.detections, 12);
    const file = fixture.path(`out/${jobOf()}.json`);
    const { part, frames, damage, timing } = parseResult(await readFile(file, "utf8"), file);
    assert.deepEqual(part, { from: 0, to: null });
    assert.deepEqual(
      frames.map(({ k }) => k),
      Array.from({ length: 12 }, (_, k) => k),
    );
    assert.deepEqual([damage?.packets, timing.total_seconds], [4, 1.2]);
  });

  it("names the ranges that the time limit left out", async () => {
    fixture.aws.onInvocation = (invocation) => {
      const number = numberOf(invocation);
      const until = (cuts[number] ?? 0) + 1;
      const truncation = { reason: "deadline", until } as const;
      complete(invocation, number === 1 || number === 3 ? { truncated: true, truncation } : {});
    };
    await submit();
    const { status, stdout, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", fixture.path("out")]);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /\n {2}not processed within the time limit: 0:00:03 to 0:00:06, 0:00:09 to the end; submit again with a smaller --part\n/,
    );
    const file = fixture.path(`out/${jobOf()}.json`);
    assert.deepEqual(parseResult(await readFile(file, "utf8"), file).damage?.gaps, [{ from: 3, to: 6 }]);
  });

  it("is one job in the output of submit --json", async () => {
    fixture.aws.onInvocation = complete;
    const { stdout: printed } = await submit();
    const { status, stdout, stderr } = await fixture.execute(["status", "-"], printed);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /street\.mp4 \(video-\w+\): completed, 100 %: 4 of 4 parts completed\n/);
    const fetched = await fixture.execute(["fetch", "-", "--to", fixture.path("out"), "--json"], printed);
    assert.deepEqual(
      fetched.lines().map(({ inferenceId }) => inferenceId),
      [jobOf()],
    );
  });

  /** Returns the status of the output of submit --json with a change to the line of the second part. */
  const statusWithout = async (change: (line: PrintedLine) => readonly object[]) => {
    fixture.aws.onInvocation = complete;
    const lines = (await submit()).lines().flatMap((line) => (line.part?.from === 2 ? change(line) : [line]));
    return await fixture.execute(["status", "-"], lines.map((line) => JSON.stringify(line)).join("\n"));
  };

  it("lacks a part that was refused in the output of submit --json", async () => {
    const { status, stdout } = await statusWithout(({ video, inferenceId, part }) => [
      { video, inferenceId, part, problem: "the video has changed" },
    ]);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /refused, 75 %: 3 of 4 parts completed\n {2}0:00:02 to 0:00:06 was not sent: the video has changed\n/,
    );
  });

  it("lacks a part without a line in the output of submit --json", async () => {
    const { status, stdout } = await statusWithout(() => []);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /unknown, 75 %: 3 of 3 parts completed\n {2}0:00:02 to 0:00:06 is missing in the file: submit --resume/,
    );
  });

  it("is fetched by its id if the file lacks a part's line, as fetch says", async () => {
    fixture.aws.onInvocation = complete;
    const lines = (await submit()).lines().filter(({ part }) => part?.from !== 2);
    const to = ["--to", fixture.path("out")];
    const short = lines.map((line) => JSON.stringify(line)).join("\n");
    const { status, stdout } = await fixture.execute(["fetch", "-", ...to], short);
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(`0:00:02 to 0:00:06 is missing .*\\(fetch --id ${jobOf()}\\)`));
    assert.equal((await fixture.execute(["fetch", "--id", jobOf(), ...to])).status, 0);
  });

  it("has the end of each part with its range in the output of submit --wait --json", async () => {
    fixture.aws.onInvocation = complete;
    const { stdout: printed, lines } = await fixture.submit(fixture.path("street.mp4"), "--part", "0.05", "--wait");
    const ends = lines().flatMap(({ status, part }) => (status === "completed" ? [part?.from] : []));
    assert.deepEqual(ends.toSorted(), [0, 2, 6, 8]);
    const { status, stdout } = await fixture.execute(["status", "-"], printed);
    assert.equal(status, 0);
    assert.match(stdout, /completed, 100 %: 4 of 4 parts completed\n/);
  });

  it("has one status with a percentage", async () => {
    fixture.aws.onInvocation = (invocation) => {
      if (numberOf(invocation) !== 2) complete(invocation);
    };
    await submit();
    const { status, stdout, stderr } = await fixture.execute(["status", fixture.journal]);
    assert.equal(status, 1);
    assert.match(stdout, /street\.mp4 \(video-\w+\): pending, 75 %: 3 of 4 parts completed\n/);
    assert.match(stderr, /^1 pending$/m);
  });

  it("has the same status by the id of its record, on any machine", async () => {
    fixture.aws.onInvocation = complete;
    await submit();
    const { status, stdout } = await fixture.execute(["status", "--id", jobOf()]);
    assert.equal(status, 0);
    assert.match(stdout, /street\.mp4 \(video-\w+\): completed, 100 %: 4 of 4 parts completed/);
  });

  it("has the same status by the InferenceId of a part, with a note that names the job", async () => {
    fixture.aws.onInvocation = complete;
    await submit();
    const { status, stdout, stderr } = await fixture.execute(["status", "--id", `${jobOf()}-2`, jobOf()]);
    assert.equal(status, 0);
    assert.match(stderr, new RegExp(`^note: ${jobOf()}-2 is a part of the job ${jobOf()}$`, "m"));
    assert.equal(stdout.match(/completed, 100 %/g)?.length, 1);
  });

  it("has no part of a number that it lacks", async () => {
    await submit();
    const { status, stderr } = await fixture.execute(["status", "--id", `${jobOf()}-4`]);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`There is no job record s3://out/jobs/${jobOf()}-4\\.json`));
  });

  it("names the ranges that it lacks, and is complete after a redrive, which sends only those", async () => {
    fixture.aws.onInvocation = (invocation) => {
      if (numberOf(invocation) === 1) {
        fixture.aws.objects.set(objectKey(invocation.failureLocation), Buffer.from("the instance was lost"));
      } else complete(invocation);
    };
    await submit();
    const incomplete = await fetch();
    assert.equal(incomplete.status, 1);
    assert.match(
      incomplete.lines()[0]?.problem ?? "",
      /^incomplete: 0:00:02 to 0:00:06 is missing \(failed: the instance was lost\)\. Send them again \(redrive FILE\)/,
    );
    assert.deepEqual(await readdir(fixture.path("out")).catch(() => []), []);
    const { status, stdout } = await fixture.execute(["status", fixture.journal]);
    assert.equal(status, 1);
    assert.match(stdout, /failed, 75 %.*\n {2}0:00:02 to 0:00:06 failed: the instance was lost\n/);

    const before = fixture.aws.invocations.length;
    fixture.aws.onInvocation = complete;
    const redrive = await fixture.execute(["redrive", fixture.journal]);
    assert.equal(redrive.status, 0, redrive.stderr + redrive.stdout);
    const again = fixture.aws.invocations.slice(before);
    assert.deepEqual(
      again.map(({ inferenceId }) => inferenceId),
      [`${jobOf()}-1.redrive-1`],
    );
    assert.equal(again[0]?.inputLocation, `s3://in/videos/requests/${jobOf()}/part-00001.json`);
    const { status: fetched, stderr } = await fetch();
    assert.equal(fetched, 0, stderr);
    assert.equal(fixture.aws.record(jobOf()).parts[1]?.invocations.length, 2);
  });

  it("has no result if parts of different models answered", async () => {
    fixture.aws.onInvocation = (invocation) => {
      complete(invocation, numberOf(invocation) === 2 ? { model: { name: "other", weights: "1".repeat(64) } } : {});
    };
    await submit();
    const { status, lines } = await fetch();
    assert.equal(status, 1);
    assert.match(lines()[0]?.problem ?? "", /differ in model, so they are not parts of one result/);
    assert.deepEqual(await readdir(fixture.path("out")), []);
  });
});
