/** Tests for the jobs that `submit` sends. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { startCommandFixture, videoBytes } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";

describe("the command submit", () => {
  let fixture: CommandFixture;

  forEachTest(startCommandFixture, (started) => (fixture = started));

  const submit = (...args: readonly string[]) => fixture.submit(...args);
  const video = (name: string) => fixture.path(name);

  it("submits each file once and prints each job", async () => {
    const { status, stdout, lines } = await submit(video("a.mp4"), video("b.mp4"), video("a.mp4"));
    assert.equal(status, 0, stdout);
    assert.deepEqual(
      lines()
        .map(({ inferenceId }) => inferenceId)
        .toSorted(),
      fixture.aws.invocations.map(({ inferenceId }) => inferenceId).toSorted(),
    );
    assert.equal(new Set(fixture.sent).size, 2);
  });

  it("sends the videos below a folder in order, without hidden and other files", async () => {
    await mkdir(video("clips/more"), { recursive: true });
    for (const name of ["clips/b.MOV", "clips/more/c.webm", "clips/.hidden.mp4", "clips/notes.txt"]) {
      await writeFile(video(name), videoBytes(name));
    }
    const { status, lines } = await submit(video("clips"), "--concurrency", "1");
    assert.equal(status, 0);
    assert.deepEqual(
      lines().map((line) => line.video),
      [video("clips/b.MOV"), video("clips/more/c.webm")],
    );
  });

  it("follows links to files in a folder, and counts skipped files and duplicates", async () => {
    await mkdir(video("clips/.hid"), { recursive: true });
    for (const name of ["clips/real.mp4", "clips/.hidden.mp4", "clips/.hid/t.avi", "clips/notes.txt", "clips/1.txt"]) {
      await writeFile(video(name), videoBytes(name));
    }
    await symlink(video("a.mp4"), video("clips/link.mp4"));
    await symlink("real.mp4", video("clips/second.mp4"));
    await symlink("nowhere.mp4", video("clips/broken.mp4"));
    await symlink(".", video("clips/loop"));
    const { status, lines, stderr } = await submit(video("clips"), video("b.mp4"), video("b.mp4"));
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      lines()
        .map((line) => line.video)
        .toSorted(),
      [video("b.mp4"), video("clips/link.mp4"), video("clips/real.mp4")],
    );
    assert.match(
      stderr,
      /^skipped 2 hidden files or folders, 1 broken link, 1 link to a folder, 2 files of other types, 2 duplicates$/m,
    );
  });

  it("does not mention skipped files if there are none", async () => {
    assert.doesNotMatch((await submit(video("a.mp4"))).stderr, /skipped/);
  });

  it("ends with a summary, the last line of progress, and the next commands", async () => {
    await writeFile(video("it's here.mp4"), videoBytes("it"));
    const file = video("my jobs.jsonl");
    const { status, stderr } = await submit(video("a.mp4"), video("it's here.mp4"), "--journal", file);
    assert.equal(status, 0);
    assert.match(stderr, /^2 of 2 submitted; .*100 %/m);
    assert.match(stderr, /^2 of 2 jobs accepted$/m);
    assert.ok(stderr.includes(`npm run status -- '${file}'; then get the results: npm run fetch -- '${file}'\n`));
  });

  it("counts the videos that were not sent", async () => {
    fixture.aws.onInvocation = () => {
      rmSync(video("b.mp4"));
    };
    const { stderr } = await submit(video("a.mp4"), video("b.mp4"), "--concurrency", "1");
    assert.match(stderr, /^1 of 2 jobs accepted, 1 video not sent$/m);
  });

  it("names a video that was not sent only once in its line, as status does", async () => {
    fixture.aws.onInvocation = () => {
      rmSync(video("b.mp4"));
    };
    const files = [video("a.mp4"), video("b.mp4")];
    const seen = await fixture.execute(["submit", ...files, "--concurrency", "1", "--journal", fixture.journal]);
    const { stdout } = await fixture.execute(["status", fixture.journal]);
    for (const text of [seen.stdout, stdout]) {
      const lines = text.split("\n").filter((line) => line.includes("not sent"));
      assert.deepEqual(
        lines.map((line) => line.split(video("b.mp4")).length - 1),
        [1],
        text,
      );
    }
  });

  it("prints the videos of a dry run with size and price, and sends nothing", async () => {
    fixture.aws.objects.set("in/videos/y.mp4", Buffer.alloc(1_500_000));
    const { status, stdout } = await fixture.execute(["submit", video("a.mp4"), "s3://in/videos/y.mp4", "--dry-run"]);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /a\.mp4: 17 bytes\ns3:\/\/in\/videos\/y\.mp4: 1\.5 MB\nnothing was sent; 2 jobs would be\nupload: at most 17 bytes in 1 file .*\nin S3 already: 1\.5 MB\nprice: no cost/,
    );
    assert.equal(fixture.aws.count("PutObject") + fixture.aws.count("InvokeEndpointAsync"), 0);
    await submit(video("a.mp4"));
    const resumed = await submit("--resume", "--dry-run");
    assert.deepEqual([resumed.status, (resumed.lines()[0] as unknown as { jobs: number }).jobs], [0, 0]);
  });

  it("requires an existing folder for --journal", async () => {
    const { status, stderr } = await submit(video("a.mp4"), "--journal", video("nosuchdir/m.jsonl"));
    assert.equal(status, 2);
    assert.match(stderr, /Cannot write the job journal .*nosuchdir\/m\.jsonl \(ENOENT\): its folder does not exist/);
    assert.equal(fixture.aws.invocations.length, 0);
    assert.ok(!(await readdir(fixture.folder)).includes("nosuchdir"));
  });

  it("refuses a dry run with a journal that the real run would refuse", async () => {
    const dryRun = (journal: string) => submit(video("a.mp4"), "--dry-run", "--journal", journal);
    const missing = await dryRun(video("nosuchdir/m.jsonl"));
    assert.equal(missing.status, 2);
    assert.match(
      missing.stderr,
      /Cannot write the job journal .*nosuchdir\/m\.jsonl \(ENOENT\): its folder does not exist/,
    );
    assert.match((await dryRun(video("a.mp4/m.jsonl"))).stderr, /Cannot write the job journal .* \(ENOTDIR\)/);
    assert.match((await dryRun(video("b.mp4"))).stderr, /b\.mp4 exists already: resume it/);
    assert.equal((await dryRun(video("new.jsonl"))).status, 0);
    assert.ok(!(await readdir(fixture.folder)).includes("new.jsonl"));
  });

  it("uses objects and prefixes in S3 in place", async () => {
    for (const key of ["videos/x/1.mp4", "videos/x/2.mkv", "videos/x/2.txt", "videos/y.mp4"]) {
      fixture.aws.objects.set(`in/${key}`, Buffer.from("video"));
    }
    const { status } = await submit("s3://in/videos/y.mp4", "s3://in/videos/x/", "--concurrency", "1");
    assert.equal(status, 0);
    assert.deepEqual(fixture.sent, ["s3://in/videos/y.mp4", "s3://in/videos/x/1.mp4", "s3://in/videos/x/2.mkv"]);
    assert.equal(fixture.aws.count("PutObject"), 0);
  });

  it("uses objects and prefixes of source buckets in place", async () => {
    for (const key of ["clips/a.mp4", "clips/x/b.mp4"]) {
      fixture.aws.objects.set(`source/${key}`, Buffer.from("video"));
    }
    const { status } = await submit("s3://source/clips/a.mp4", "s3://source/clips/x/", "--concurrency", "1");
    assert.equal(status, 0);
    assert.deepEqual(fixture.sent, ["s3://source/clips/a.mp4", "s3://source/clips/x/b.mp4"]);
    assert.equal(fixture.aws.count("PutObject"), 0);
  });

  it("passes on the options of the model and of the service", async () => {
    await submit(
      video("a.mp4"),
      "--fps",
      "0.5",
      "--score",
      "0.25",
      "--sampling",
      "keyframe",
      "--masks",
      "--max-side",
      "1333",
      "--format",
      "ndjson",
      "--encoding",
      "gzip",
      "--ttl",
      "60",
      "--timeout",
      "30",
    );
    const { headers } = fixture.aws.invocations[0]!;
    assert.equal(
      headers["x-amzn-sagemaker-custom-attributes"],
      "fps=0.5;score=0.25;sampling=keyframe;masks=rle;max_side=1333;encoding=gzip;timeout=30",
    );
    assert.equal(headers["x-amzn-sagemaker-accept"], "application/x-ndjson");
    assert.equal(headers["x-amzn-sagemaker-requestttlseconds"], "60");
    assert.equal(headers["x-amzn-sagemaker-invocationtimeoutseconds"], "30");
  });

  it("keeps the format of the result with --resume", async () => {
    fixture.aws.fail({
      operation: "InvokeEndpointAsync",
      answer: { status: 400, code: "AccessDeniedException" },
    });
    assert.equal((await submit(video("a.mp4"), "--format", "ndjson")).status, 2);
    assert.equal((await submit("--resume")).status, 0);
    assert.equal(fixture.aws.invocations[0]!.headers["x-amzn-sagemaker-accept"], "application/x-ndjson");
  });

  it("exits with 130 when interrupted, after printing its jobs and the command that resumes", async () => {
    fixture.aws.onInvocation = () => {
      fixture.controller.abort();
    };
    const { status, stderr, lines } = await submit(video("a.mp4"), video("b.mp4"), "--concurrency", "1");
    assert.equal(status, 130);
    assert.match(stderr, /1 not accepted yet; resume: npm run submit -- --resume --journal .*journal\.jsonl/);
    assert.match(stderr, /Interrupted/);
    assert.equal(lines()[0]!.inferenceId, fixture.aws.invocations[0]!.inferenceId);
  });

  it("names a job whose call was interrupted as possibly accepted", async () => {
    fixture.aws.fail({ operation: "InvokeEndpointAsync", times: 99, answer: "lose the answer" });
    fixture.aws.onInvocation = () => {
      fixture.controller.abort();
    };
    const { status, stderr } = await submit(video("a.mp4"), video("b.mp4"), "--concurrency", "1");
    assert.equal(status, 130);
    assert.match(stderr, /^1 not accepted yet, 1 possibly accepted; resume: npm run submit -- --resume --journal /m);
  });

  it("names a job whose call was refused as not accepted", async () => {
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 403, code: "AccessDeniedException" } });
    const { status, stderr } = await submit(video("a.mp4"));
    assert.equal(status, 2);
    assert.match(stderr, /^1 not accepted yet; resume: /m);
  });

  it("skips a file that vanishes during the upload, sends the others, and exits 2", async () => {
    fixture.aws.onInvocation = () => {
      rmSync(video("b.mp4"));
    };
    const { status, lines } = await submit(video("a.mp4"), video("b.mp4"), "--concurrency", "1");
    assert.equal(status, 2);
    assert.deepEqual(
      lines().map(({ problem }) => problem?.includes("ENOENT")),
      [undefined, true],
    );
    assert.equal(fixture.aws.invocations.length, 1);
  });

  it("gives a run the stack's time limit if there is no --timeout", async () => {
    fixture.outputs = { invocationTimeout: 600 };
    assert.equal((await submit(video("a.mp4"))).status, 0);
    const { headers } = fixture.aws.invocations[0]!;
    assert.equal(headers["x-amzn-sagemaker-invocationtimeoutseconds"], "600");
    assert.equal(headers["x-amzn-sagemaker-custom-attributes"], "timeout=600");
  });

  it("continues if the caller may not describe the endpoint", async () => {
    fixture.aws.fail({ operation: "DescribeEndpoint", answer: { status: 400, code: "AccessDeniedException" } });
    assert.equal((await submit(video("a.mp4"))).status, 0);
  });
});
