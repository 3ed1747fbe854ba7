import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startCommandFixture } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";

const remedy =
  "another deployment accepted it: submit its video again with another --journal, or name that deployment with --stack or --outputs";

describe("a journal with a job of an earlier deployment, whose bucket no longer exists", () => {
  const folder = process.cwd();
  let fixture: CommandFixture;
  let lost: string;

  beforeEach(async () => {
    fixture = await startCommandFixture();
    // A redrive writes to out/ in the current folder.
    process.chdir(fixture.folder);
    await fixture.submit(fixture.path("a.mp4"), fixture.path("b.mp4"), "--concurrency", "1");
    const [first, second] = fixture.aws.invocations;
    lost = first!.inferenceId;
    fixture.complete(second!);
    // The first job's locations, in the bucket of the earlier deployment.
    const lines = (await readFile(fixture.journal, "utf8")).split("\n");
    const isFirst = (line: string) => line.includes('"accepted"') && line.includes(lost);
    const moved = lines.map((line) => (isFirst(line) ? line.replaceAll("s3://out/", "s3://old-out/") : line));
    assert.notDeepEqual(moved, lines);
    await writeFile(fixture.journal, moved.join("\n"));
    fixture.aws.fail({
      operation: "GetObject",
      object: "old-out/",
      times: 99,
      answer: { status: 404, code: "NoSuchBucket" },
    });
  });

  afterEach(async () => {
    process.chdir(folder);
    await fixture[Symbol.asyncDispose]();
  });

  it("does not hide the other jobs from status", async () => {
    const { status, stdout, stderr } = await fixture.execute(["status", fixture.journal]);
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(`${lost}\\): unreachable: bucket old-out does not exist\n  ${remedy}$`, "m"));
    assert.match(stdout, /b\.mp4 \(.*\): completed/);
    assert.match(stderr, /1 unreachable, 1 completed/);
  });

  it("does not keep fetch from the other results, also if its end is recorded", async () => {
    const first = await fixture.execute(["fetch", fixture.journal, "--to", fixture.path("results")]);
    assert.equal(first.status, 1);
    assert.match(first.stdout, /unreachable: bucket old-out does not exist/);
    assert.match(first.stdout, /b\.mp4: completed: 2 frames/);
    const text = await readFile(fixture.journal, "utf8");
    await writeFile(
      fixture.journal,
      `${text}${JSON.stringify({ event: "ended", inferenceId: lost, status: "completed" })}\n`,
    );
    const { status, stdout } = await fixture.execute(["fetch", fixture.journal, "--to", fixture.path("results")]);
    assert.equal(status, 1);
    assert.match(
      stdout,
      new RegExp(`completed, but its result is unreachable: bucket old-out does not exist; ${remedy}$`, "m"),
    );
    assert.match(stdout, /b\.mp4: completed: 2 frames/);
  });

  it("does not keep redrive from the other jobs", async () => {
    fixture.aws.objects.clear();
    fixture.fail(fixture.aws.invocations[1]!);
    const { status, stdout, stderr } = await fixture.execute(["redrive", fixture.journal]);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`${lost}: unreachable \\(bucket old-out does not exist\\); ${remedy}$`, "m"));
    assert.match(stdout, /^1 sent again, 1 unreachable/);
  });

  it("is noticed by --resume, which waits for the other jobs", async () => {
    const { status, stdout, stderr } = await fixture.execute([
      "submit",
      "--resume",
      "--journal",
      fixture.journal,
      "--wait",
    ]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^note: another deployment accepted 1 of 2 jobs: the results are in old-out, and this stack's are in out\. /m,
    );
    assert.match(stdout, /a\.mp4: unreachable: bucket old-out does not exist/);
    assert.match(stdout, /b\.mp4: completed/);
    const dry = await fixture.execute(["submit", "--resume", "--journal", fixture.journal, "--dry-run"]);
    assert.match(dry.stderr, /^note: another deployment accepted 1 of 2 jobs/m);
  });

  it("uploads a file again whose call to the earlier deployment has an unknown outcome", async () => {
    const text = await readFile(fixture.journal, "utf8");
    const lines = text.split("\n").filter((line) => !(line.includes('"accepted"') && line.includes(lost)));
    const attempted = lines.map((line) =>
      line.includes('"attempt"') ? line.replaceAll("s3://in/", "s3://old-in/") : line,
    );
    assert.notDeepEqual(attempted, lines);
    await writeFile(fixture.journal, attempted.join("\n"));
    // Its record was in the earlier deployment's bucket.
    fixture.aws.objects.delete(`out/jobs/${lost}.json`);
    const { status, stderr } = await fixture.execute(["submit", "--resume", "--journal", fixture.journal]);
    assert.equal(status, 0, stderr);
    const sent = fixture.aws.invocations.filter(({ inferenceId }) => inferenceId === lost);
    assert.equal(sent.length, 2);
    assert.match(sent[1]!.inputLocation, /^s3:\/\/in\//);
  });

  it("still ends at an error of the stack's own bucket", async () => {
    fixture.aws.fail({
      operation: "GetObject",
      object: "out/",
      times: 99,
      answer: { status: 403, code: "AccessDenied" },
    });
    const { status, stderr } = await fixture.execute(["status", fixture.journal]);
    assert.equal(status, 2);
    assert.match(stderr, /AccessDenied/);
  });
});
