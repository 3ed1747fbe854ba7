import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startCommandFixture } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { sampleResult } from "../../testing/sample-result.ts";
import { failureOf, FakeQueues } from "../../testing/fake-sqs.ts";

describe("the command redrive", () => {
  const folder = process.cwd();
  let fixture: CommandFixture;
  let queues: FakeQueues;

  beforeEach(async () => {
    fixture = await startCommandFixture();
    // A redrive writes to out/ in the current folder.
    process.chdir(fixture.folder);
    queues = new FakeQueues(fixture.aws);
  });

  afterEach(async () => {
    process.chdir(folder);
    await fixture[Symbol.asyncDispose]();
  });

  const redrive = (...args: readonly string[]) =>
    fixture.execute(["redrive", "--journal", fixture.path("redriven.jsonl"), ...args]);

  it("reports the outcome of each message, and the number of each kind", async () => {
    queues.put(failureOf("video-1"));
    queues.put(failureOf("video-1"));
    queues.put(failureOf("video-2.redrive-3"));
    queues.put(failureOf("smoke-1"));
    const { status, stdout, stderr } = await redrive("--json");
    assert.equal(status, 1, stderr);
    const report = JSON.parse(stdout) as Record<string, number> & { jobs: { kind: string; inferenceId?: string }[] };
    assert.deepEqual(
      [report["sent"], report["already-sent"], report["poison"], report["smoke"], report["unreadable"]],
      [1, 1, 1, 1, 0],
    );
    assert.equal(report.jobs.length, 4);
    assert.match(stderr, /video-1: sent again as video-1\.redrive-1 \(ClientError: /);
    assert.match(stderr, /video-2\.redrive-3: given up after 3 times/);
  });

  it("exits with 0 if nothing has failed, and if all failed jobs are sent again", async () => {
    assert.deepEqual(await redrive().then(({ status, stdout }) => [status, stdout.split("\n")[0]]), [
      0,
      "no job to send again",
    ]);
    assert.doesNotMatch((await redrive()).stderr, /follow them/);
    queues.put(failureOf("video-1"));
    const { status, stdout, stderr } = await redrive();
    assert.deepEqual([status, stdout.split("\n")[0]], [0, "1 sent again"]);
    assert.match(stderr, /^follow them: npm run status -- .*redriven\.jsonl; then get the results: npm run fetch -- /m);
  });

  it("reports its work until the service refused, and nothing if it did nothing", async () => {
    const answer = { status: 403, code: "AccessDeniedException", message: "no" };
    fixture.aws.fail({ operation: "ReceiveMessage", answer });
    const nothing = await redrive();
    assert.deepEqual([nothing.status, nothing.stdout], [2, ""]);
    assert.match(nothing.stderr, /AccessDeniedException/);
    fixture.aws.answerAgain();
    queues.put(failureOf("video-1"));
    fixture.aws.onInvocation = () => {
      fixture.aws.fail({ operation: "ReceiveMessage", answer });
    };
    const some = await redrive("--json");
    assert.equal(some.status, 2);
    assert.equal((JSON.parse(some.stdout) as { sent: number }).sent, 1);
  });

  for (const dryRun of [[], ["--dry-run"]]) {
    it(`names a video that has changed, sends the others and exits with 1 ${dryRun.join("")}`, async () => {
      fixture.aws.requestMode = "reference";
      for (const name of ["a", "b"]) fixture.aws.objects.set(`source/clips/${name}.mp4`, Buffer.from("video"));
      const { lines } = await fixture.submit("s3://source/clips/a.mp4", "s3://source/clips/b.mp4");
      for (const { inferenceId } of lines()) queues.put(failureOf(inferenceId));
      fixture.aws.objects.set("source/clips/a.mp4", Buffer.from("another video"));
      const { status, stdout, stderr } = await redrive("--include-bad-input", ...dryRun);
      const wouldBe = dryRun.length === 0 ? "" : "would be ";
      assert.match(stdout, new RegExp(`^1 ${wouldBe}sent again, 1 left out: the video has changed, submit it again\n`));
      assert.match(
        stderr,
        new RegExp(`: ${wouldBe}left out\\. The video s3://source/clips/a\\.mp4 has changed since .* submit it again`),
      );
      assert.deepEqual([status, fixture.sent.length], [1, dryRun.length === 0 ? 3 : 2]);
    });
  }

  it("keeps its limits", async () => {
    for (const name of ["video-1", "video-2", "video-3"]) queues.put(failureOf(name));
    await redrive("--limit", "2");
    assert.deepEqual([fixture.aws.invocations.length, queues.error.length], [2, 1]);
    queues.put(failureOf("video-4.redrive-1"));
    const { stdout } = await redrive("--times", "1");
    assert.equal(stdout.split("\n")[0], "1 sent again, 1 given up");
  });

  it("sends a submission's failed jobs again from its journal, which status then shows", async () => {
    fixture.aws.onInvocation = ({ inferenceId, failureLocation, outputLocation }) => {
      if (inferenceId.includes("redrive"))
        fixture.aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(sampleResult)));
      else fixture.aws.objects.set(objectKey(failureLocation), Buffer.from("no"));
    };
    const journal = fixture.path("journal.jsonl");
    await fixture.execute(["submit", fixture.path("a.mp4"), "--journal", journal]);
    const { status, stdout } = await fixture.execute(["redrive", journal, "--json"]);
    const report = JSON.parse(stdout) as { sent: number; journal: string };
    assert.deepEqual([status, report.sent, report.journal], [0, 1, resolve(journal)]);
    const shown = await fixture.execute(["status", journal]);
    // The video counts once, under its name.
    assert.deepEqual([shown.status, shown.stderr.trim().split("\n").at(-1)], [0, "1 completed"]);
    assert.match(shown.stdout, /a\.mp4 \(video-[\w-]+\): failed: no\n {2}sent again as video-[\w-]+\.redrive-1\n/);
    assert.match(shown.stdout, /a\.mp4 \(video-[\w-]+\.redrive-1\): completed/);
    const fetched = await fixture.execute(["fetch", journal, "--to", "results"]);
    assert.equal(fetched.status, 0, fetched.stdout);
    assert.match(fetched.stderr, /^1 of 1 job with a result, in results$/m);
  });

  describe("from a journal and from the error queue", () => {
    beforeEach(() => {
      fixture.aws.onInvocation = fixture.fail;
    });

    it("sends a job once, in either order", async () => {
      await fixture.submit(fixture.path("a.mp4"), fixture.path("b.mp4"), "--concurrency", "1");
      const [a, b] = fixture.aws.invocations.map(({ inferenceId }) => inferenceId);
      fixture.aws.onInvocation = () => undefined;
      queues.put(failureOf(a!));
      const first = await fixture.execute(["redrive"]);
      assert.equal(first.stdout.split("\n")[0], "1 sent again");
      const dry = await fixture.execute(["redrive", fixture.journal, "--dry-run"]);
      assert.equal(dry.stdout.split("\n")[0], "1 would be sent again, 1 had been sent again already");
      const second = await fixture.execute(["redrive", fixture.journal]);
      assert.equal(second.stdout.split("\n")[0], "1 sent again, 1 had been sent again already");
      queues.put(failureOf(b!));
      const third = await fixture.execute(["redrive"]);
      assert.equal(third.stdout.split("\n")[0], "1 had been sent again already");
      assert.deepEqual(
        fixture.aws.invocations.map(({ inferenceId }) => inferenceId),
        [a, b, `${a!}.redrive-1`, `${b!}.redrive-1`],
      );
      // The submission's journal has both, too.
      const { stdout } = await fixture.execute(["status", fixture.journal]);
      assert.match(stdout, new RegExp(`${a!}\\.redrive-1\\): pending`));
    });

    it("recognises a job after a crash between the two journals", async () => {
      await fixture.submit(fixture.path("a.mp4"));
      fixture.aws.onInvocation = () => undefined;
      await fixture.execute(["redrive", fixture.journal]);
      const lines = (await readFile(fixture.journal, "utf8")).trimEnd().split("\n");
      assert.match(lines.at(-2)!, /"accepted"/);
      await writeFile(fixture.journal, `${lines.slice(0, -2).join("\n")}\n`);
      const { stdout } = await fixture.execute(["redrive", fixture.journal]);
      assert.equal(stdout.split("\n")[0], "1 had been sent again already");
      assert.equal(fixture.aws.invocations.length, 2);
    });

    it("recognises a job that another machine has sent again, by its record", async () => {
      const sent = await fixture.submit(fixture.path("a.mp4"), "--fps", "2");
      const { inferenceId } = sent.lines()[0]!;
      queues.put(failureOf(inferenceId));
      const elsewhere = await fixture.execute(["redrive", "--journal", fixture.path("elsewhere.jsonl")]);
      assert.equal(elsewhere.stdout.split("\n")[0], "1 sent again");
      assert.equal(
        fixture.aws.invocations.at(-1)!.headers["x-amzn-sagemaker-custom-attributes"],
        "fps=2;timeout=900",
        "the options are those of the record",
      );
      queues.put(failureOf(inferenceId));
      const { stdout, stderr } = await redrive();
      assert.equal(stdout.split("\n")[0], "1 had been sent again already");
      assert.doesNotMatch(stderr, /note/);
      assert.equal(fixture.aws.invocations.length, 2);
    });

    it("shows a note if --journal names another file and the stack has no job records", async () => {
      fixture.outputs = { jobsLocation: undefined };
      assert.match(
        (await redrive()).stderr,
        /^note: this run does not see the jobs that other runs have recorded in out/m,
      );
      assert.doesNotMatch((await fixture.execute(["redrive"])).stderr, /note/);
    });
  });

  it("prints the jobs of a dry run with size and price, and changes neither queue nor folder", async () => {
    queues.put(failureOf("video-1"));
    queues.put(failureOf("video-2", { failureReason: "ClientError: Received client error (400) from model." }));
    queues.put(failureOf("smoke-1"));
    fixture.aws.objects.set("in/videos/video-1.mp4", Buffer.alloc(2_500_000));
    const before = await readdir(fixture.folder);
    const { status, stdout, stderr } = await redrive("--dry-run");
    assert.equal(status, 1, stderr);
    assert.match(stderr, /video-1: would be sent again as video-1\.redrive-1 \(ClientError: .*\)/);
    assert.match(stderr, /video-2: left out, the model refused its video \(ClientError: .*400.*\)/);
    assert.match(
      stdout,
      /^1 would be sent again, 1 would be deleted \(of the smoke test\), 1 left out as bad input: .*\nnothing was sent; size 2\.5 MB; no cost/,
    );
    assert.deepEqual([fixture.aws.invocations.length, queues.visible.length], [0, 3]);
    assert.deepEqual(
      (await readdir(fixture.folder)).filter((name) => name !== "outputs.json"),
      before.filter((name) => name !== "outputs.json"),
    );
  });

  it("refuses a dry run with a journal that the real run would refuse", async () => {
    const { status, stderr } = await fixture.execute([
      ...["redrive", "--dry-run", "--journal", fixture.path("nosuchdir/redriven.jsonl")],
    ]);
    assert.equal(status, 2);
    assert.match(stderr, /Cannot write the job journal .* \(ENOENT\): its folder does not exist/);
  });

  it("counts the reads of a message of bad input, and warns before SQS moves it to the dead-letter queue", async () => {
    queues.put(failureOf("video-1", { failureReason: "ClientError: Received client error (400) from model." }));
    for (let count = 1; count <= 5; count++) {
      const { status, stdout, stderr } = await redrive(...(count % 2 === 0 ? ["--dry-run"] : []));
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`video-1: left out, the model refused its video .*; read ${count} of 5 times`));
      const warning = /^the next read moves 1 message to the dead-letter queue: send or delete it with the next run$/m;
      assert.equal(warning.test(stdout), count === 5, stdout);
    }
    assert.equal(queues.deadLetters.length, 0);
    const { stdout } = await redrive("--json");
    assert.equal((JSON.parse(stdout) as { "bad-input": number })["bad-input"], 0);
    assert.equal(queues.deadLetters.length, 1);
  });

  it("deletes messages of bad input with --delete-bad-input, and prints each", async () => {
    queues.put(failureOf("video-1", { failureReason: "ClientError: Received client error (400) from model." }));
    queues.put(failureOf("video-2"));
    const dry = await redrive("--delete-bad-input", "--dry-run");
    assert.match(dry.stdout, /1 would be deleted \(bad input\)/);
    assert.match(dry.stderr, /video-1: would be deleted, the model refused its video/);
    assert.equal(queues.error.length, 2);
    const { status, stdout, stderr } = await redrive("--delete-bad-input");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /video-1: deleted, the model refused its video \(ClientError: .*400.*\)/);
    assert.equal(stdout.split("\n")[0], "1 sent again, 1 deleted (bad input)");
    assert.deepEqual([queues.error, queues.deadLetters], [[], []]);
  });

  for (const [args, words] of [
    [
      ["--delete-bad-input", "--include-bad-input"],
      /Option '--delete-bad-input' cannot be used with option '--include-bad-input'/,
    ],
    [["a.jsonl", "b.jsonl"], /Too many arguments for 'redrive'/],
    [["a.jsonl"], /leave out --journal/],
    [["--limit", "0"], /--limit takes a whole number from 1/],
  ] as const) {
    it(`refuses ${args.join(" ")}`, async () => {
      const { status, stderr } = await redrive(...args);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.equal(fixture.aws.count("ReceiveMessage"), 0);
    });
  }

  it("advises --delete-bad-input for messages, and not for a journal, which refuses it", async () => {
    fixture.aws.onInvocation = ({ failureLocation }) =>
      fixture.aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"no track","code":400}'));
    await fixture.submit(fixture.path("a.mp4"));
    const { stdout } = await fixture.execute(["redrive", fixture.journal]);
    assert.equal(stdout.split("\n")[0], "1 left out as bad input: --include-bad-input sends them");
    queues.put(failureOf("video-1", { failureReason: "ClientError: Received client error (400) from model." }));
    assert.match((await redrive()).stdout, /--include-bad-input sends them; --delete-bad-input deletes their messages/);
  });

  it("refuses --delete-bad-input for a journal, which has no messages", async () => {
    const { status, stderr } = await fixture.execute(["redrive", "a.jsonl", "--delete-bad-input"]);
    assert.equal(status, 2);
    assert.match(stderr, /leave out the file of jobs/);
  });

  it("reports a missing journal", async () => {
    const { status, stderr } = await fixture.execute(["redrive", fixture.path("none.jsonl")]);
    assert.equal(status, 2);
    assert.match(stderr, /Cannot read .*none\.jsonl/);
  });
});
