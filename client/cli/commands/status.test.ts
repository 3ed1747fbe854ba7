import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { deadlineOf } from "../../src/wait.ts";
import { JobJournal, readJournal } from "../../src/journal.ts";
import { startCommandFixture } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";

describe("the command status", () => {
  let fixture: CommandFixture;

  forEachTest(startCommandFixture, (started) => (fixture = started));

  const submit = () => fixture.submit(fixture.path("a.mp4"), fixture.path("b.mp4"), "--concurrency", "1");

  it("shows the endpoint's status", async () => {
    fixture.aws.endpoint = { EndpointStatus: "Updating", CurrentInstanceCount: 0, DesiredInstanceCount: 1 };
    const { status, stdout } = await fixture.execute(["status"]);
    assert.equal(status, 0);
    assert.equal(
      stdout,
      "video: Updating, 0 of up to 5 instances (AWS emulator on this machine, accelerated clock), going to 1\n",
    );
    const { lines } = await fixture.execute(["status", "--json"]);
    assert.equal((lines()[0] as unknown as { environment: string }).environment, "emulator");
  });

  it("reports that the caller may not describe the endpoint, and continues", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit();
    fixture.aws.fail({
      operation: "DescribeEndpoint",
      times: 9,
      answer: { status: 400, code: "AccessDeniedException" },
    });
    const { status, stderr } = await fixture.execute(["status", fixture.journal]);
    assert.equal(status, 0);
    assert.match(stderr, /may not describe the endpoint/);
  });

  it("shows each job's status, from the output of submit", async () => {
    fixture.aws.onInvocation = fixture.complete;
    const { stdout: jobs } = await submit();
    const { status, stdout } = await fixture.execute(["status", "-"], jobs);
    assert.equal(status, 0);
    assert.equal(stdout.match(/[ab]\.mp4 \(video-[\w-]+\): completed: s3:\/\//g)?.length, 2);
  });

  for (const operands of [
    ["-", "-"],
    ["-", "--journal", "-"],
  ]) {
    it(`refuses to read standard input twice (${operands.join(" ")})`, async () => {
      fixture.aws.onInvocation = fixture.complete;
      const { stdout: jobs } = await submit();
      const { status, stderr } = await fixture.execute(["status", ...operands], jobs);
      assert.equal(status, 2);
      assert.match(stderr, /Use - only once/);
    });
  }

  it("shows the jobs of several files, each once, and records the ends in each journal", async () => {
    fixture.aws.onInvocation = fixture.complete;
    const { stdout: printed } = await fixture.submit(fixture.path("a.mp4"));
    const other = fixture.path("other.jsonl");
    await fixture.submit(fixture.path("b.mp4"), "--journal", other);
    const output = fixture.path("printed.jsonl");
    await writeFile(output, printed);
    const { status, stdout, stderr } = await fixture.execute(["status", output, fixture.journal, "--journal", other]);
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.match(/[ab]\.mp4(?= \(video-[\w-]+\): completed)/g), ["a.mp4", "b.mp4"]);
    for (const journal of [fixture.journal, other]) {
      const entries = [...(await readJournal(journal)).values()];
      assert.deepEqual(
        entries.map(({ end }) => end?.status),
        ["completed"],
      );
    }
  });

  it("distinguishes the four ends, and jobs that were not sent from those that may have been", async () => {
    await submit();
    const [first, second] = fixture.aws.invocations;
    fixture.complete(first!);
    fixture.fail(second!);
    {
      await using file = await JobJournal.open(fixture.journal);
      const { job, planned } = file.entries.get(first!.inferenceId)!;
      for (const inferenceId of ["expired", "pending"]) {
        await file.append({ event: "planned", job: { ...planned, inferenceId } });
        const outputLocation = `s3://out/results/${inferenceId}.out`;
        const ttlSeconds = inferenceId === "expired" ? 60 : 21_600;
        await file.append({ event: "accepted", job: { ...job!, inferenceId, outputLocation, ttlSeconds } });
      }
      await file.append({ event: "planned", job: { ...planned, inferenceId: "planned" } });
      await file.append({ event: "planned", job: { ...planned, inferenceId: "unknown" } });
      const { inputLocation, contentType } = job!;
      await file.append({ event: "attempt", inferenceId: "unknown", inputLocation, contentType });
      await file.append({ event: "planned", job: { ...planned, inferenceId: "refused" } });
      await file.append({ event: "refused", inferenceId: "refused", problem: "it is empty" });
      fixture.aws.now = new Date(deadlineOf({ ...job!, ttlSeconds: 60 }).getTime() + 1000);
    }
    const { status, lines, stderr } = await fixture.execute(["status", "--journal", fixture.journal, "--json"]);
    assert.equal(status, 1);
    assert.deepEqual(
      lines()
        .slice(1)
        .map((line) => line.status),
      ["completed", "failed", "expired", "pending", "planned", "unknown", "refused"],
    );
    assert.match(
      stderr,
      /1 completed, 1 failed, 1 expired, 1 pending, 1 not sent yet, 1 possibly accepted, 1 not sent/,
    );
    const { stdout } = await fixture.execute(["status", fixture.journal]);
    assert.match(stdout, /a\.mp4 \(expired\): expired, presumably: neither a result nor a failure by \d{4}-/);
    assert.match(stdout, /a\.mp4 \(unknown\): may have been accepted: submit --resume/);
    assert.match(stdout, /a\.mp4 \(refused\): not sent: it is empty/);
  });

  it("records the ends that it sees, so that they are known after S3's lifecycle has removed the results", async () => {
    await submit();
    const [first, second] = fixture.aws.invocations;
    fixture.complete(first!);
    fixture.fail(second!);
    await fixture.execute(["status", fixture.journal]);
    await fixture.execute(["status", fixture.journal]);
    const ended = (await readFile(fixture.journal, "utf8"))
      .split("\n")
      .filter((line) => line.includes('"event":"ended"'));
    assert.equal(ended.length, 2);
    fixture.aws.objects.clear();
    fixture.aws.now = new Date(fixture.aws.now.getTime() + 7 * 24 * 3_600_000);
    const { lines } = await fixture.execute(["status", fixture.journal, "--json"]);
    assert.deepEqual(
      lines()
        .slice(1)
        .map((line) => line.status),
      ["completed", "failed"],
    );
    assert.equal(lines().at(-1)!.reason, "not a video");
  });

  it("reads a journal that another process is writing, and does not change it", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit();
    await using busy = await JobJournal.open(fixture.journal);
    const { status } = await fixture.execute(["status", fixture.journal]);
    assert.equal(status, 0);
    assert.equal(busy.entries.size, 2);
    assert.equal([...(await readJournal(fixture.journal)).values()].filter(({ end }) => end !== undefined).length, 0);
  });

  for (const [what, content, words] of [
    ["no jobs", "", /contains no jobs/],
    ["something else", "hello\n", /jobs is not a job file: line 1 is not a job/],
    ["a damaged journal", '{"event":"planned"}\n', /line 1, has another form than submit writes/],
  ] as const) {
    it(`exits 2 for a file with ${what}`, async () => {
      await writeFile(fixture.path("jobs"), content);
      const { status, stderr } = await fixture.execute(["status", fixture.path("jobs")]);
      assert.equal(status, 2);
      assert.match(stderr, words);
    });
  }

  describe("with --id", () => {
    it("shows jobs of the stack's records, without a journal", async () => {
      await submit();
      const [first, second] = fixture.aws.invocations;
      fixture.complete(first!);
      fixture.fail(second!);
      await rm(fixture.journal);
      const ids = [first!.inferenceId, second!.inferenceId];
      const { status, stdout } = await fixture.execute(["status", "--id", ...ids]);
      assert.equal(status, 1);
      assert.match(stdout, /^a\.mp4 \(video-[\da-f]+\): completed: /m);
      assert.match(stdout, /^b\.mp4 \(video-[\da-f]+\): failed: not a video$/m);
      const { lines } = await fixture.execute(["status", "--json", "--id", ids[0]!]);
      assert.equal(lines().at(-1)!.outputLocation, first!.outputLocation);
    });

    it("distinguishes a call with an unknown outcome from one that was refused", async () => {
      fixture.aws.fail({ operation: "InvokeEndpointAsync", times: 99, answer: { status: 403, code: "AccessDenied" } });
      await submit();
      fixture.aws.answerAgain();
      const [id = ""] = (await readJournal(fixture.journal)).keys();
      const { status, stdout } = await fixture.execute(["status", "--id", id]);
      assert.equal(status, 1);
      assert.match(stdout, /a\.mp4 \(.*\): may have been accepted/);
    });

    it("shows a job that was sent again by its last attempt, whichever attempt is named", async () => {
      await fixture.submit(fixture.path("a.mp4"));
      const [first] = fixture.aws.invocations;
      fixture.fail(first!);
      await fixture.execute(["redrive", fixture.journal]);
      const again = fixture.aws.invocations.at(-1)!;
      fixture.complete(again);
      const { status, stdout } = await fixture.execute(["status", "--id", again.inferenceId]);
      assert.equal(status, 0);
      assert.match(
        stdout,
        new RegExp(`a\\.mp4 \\(${first!.inferenceId}\\): failed: .*\n {2}sent again as ${again.inferenceId}\n`),
      );
      assert.match(stdout, new RegExp(`a\\.mp4 \\(${again.inferenceId}\\): completed`));
    });

    it("names a record that does not exist", async () => {
      const { status, stderr } = await fixture.execute(["status", "--id", "video-1"]);
      assert.equal(status, 2);
      assert.match(stderr, /There is no job record s3:\/\/out\/jobs\/video-1\.json: check the id/);
    });

    it("refuses a record whose locations are not those of the stack's results", async () => {
      await submit();
      const { inferenceId, outputLocation } = fixture.aws.invocations[0]!;
      const key = `out/jobs/${inferenceId}.json`;
      const text = String(fixture.aws.objects.get(key)).replace(outputLocation, "s3://private/accounts.json");
      fixture.aws.objects.set(key, Buffer.from(text));
      const { status, stderr } = await fixture.execute(["status", "--id", inferenceId]);
      assert.equal(status, 2);
      assert.match(stderr, /names s3:\/\/private\/accounts\.json, which is not in a bucket of the stack's results/);
    });

    it("advises to deploy a stack of an earlier version", async () => {
      fixture.outputs = { jobsLocation: undefined };
      const { status, stderr } = await fixture.execute(["status", "--id", "video-1"]);
      assert.equal(status, 2);
      assert.match(stderr, /have no jobsLocation, so it has no job records: deploy the stack/);
    });

    it("refuses a file in addition", async () => {
      const { status, stderr } = await fixture.execute(["status", "jobs.jsonl", "--id", "video-1"]);
      assert.equal(status, 2);
      assert.match(stderr, /either files of jobs or --id/);
    });
  });
});
