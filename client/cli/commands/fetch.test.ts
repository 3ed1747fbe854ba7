import assert from "node:assert/strict";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startCommandFixture } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { sampleResult } from "../../testing/sample-result.ts";

describe("the command fetch", () => {
  let fixture: CommandFixture;
  let to: string;

  beforeEach(async () => {
    fixture = await startCommandFixture();
    to = fixture.path("results");
  });

  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const submit = (...videos: readonly string[]) => fixture.submit(...videos, "--concurrency", "1");

  it("fetches the result of a job that is printed twice only once, and exits 1 for a job without a result", async () => {
    fixture.aws.onInvocation = (invocation) => {
      if (fixture.aws.invocations.length === 1) fixture.complete(invocation);
    };
    const { stdout: jobs } = await submit(fixture.path("a.mp4"), fixture.path("b.mp4"));
    const { status, lines } = await fixture.execute(["fetch", "-", "--to", to, "--json"], `${jobs}${jobs}`);
    assert.equal(status, 1);
    assert.deepEqual(
      lines().map((line) => line.status),
      ["completed", "pending"],
    );
    const [first] = fixture.aws.invocations;
    const file = await readFile(join(to, `${first!.inferenceId}.json`), "utf8");
    assert.deepEqual(JSON.parse(file), sampleResult);
    assert.equal((await readdir(to)).length, 1);
  });

  it("fetches the results of --id from any machine, without a journal", async () => {
    fixture.aws.onInvocation = fixture.complete;
    const { lines } = await submit(fixture.path("a.mp4"));
    const { inferenceId } = lines()[0]!;
    await rm(fixture.journal);
    const { status } = await fixture.execute(["fetch", "--id", inferenceId, "--to", to]);
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(await readFile(join(to, `${inferenceId}.json`), "utf8")), sampleResult);
  });

  it("reports a result that has been removed since it was seen", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    await fixture.execute(["status", fixture.journal]);
    fixture.aws.objects.clear();
    const { status, stdout } = await fixture.execute(["fetch", fixture.journal, "--to", to]);
    assert.equal(status, 1);
    assert.match(stdout, /no longer exists/);
  });

  it("does not read a result above the stack's limit, and exits 1", async () => {
    fixture.aws.onInvocation = ({ outputLocation }) =>
      fixture.aws.objects.set(objectKey(outputLocation), Buffer.alloc(1024 ** 2 + 1, " "));
    await submit(fixture.path("a.mp4"));
    const { status, stdout } = await fixture.execute(["fetch", fixture.journal, "--to", to]);
    assert.equal(status, 1);
    assert.match(stdout, /has 1048577 bytes; the stack's results have at most 1048576\. .* raise maxResponseSize/);
  });

  for (const [what, ids] of [
    ["consists of dots", [".."]],
    ["is a dot", ["."]],
    ["shares its file name with another's", ["a/b", "a_b"]],
    ["shares its file name with another's but for case", ["Street", "street"]],
    ["has a folder that is another's result file", ["street", "street.json"]],
  ] as const) {
    it(`writes nothing and exits 2 if an InferenceId ${what}`, async () => {
      fixture.aws.onInvocation = fixture.complete;
      const { stdout } = await submit(fixture.path("a.mp4"));
      const jobs = ids.map((inferenceId) => JSON.stringify({ ...(JSON.parse(stdout) as object), inferenceId }));
      const before = await readdir(fixture.folder);
      const { status, stderr } = await fixture.execute(["fetch", "-", "--to", to], jobs.join("\n"));
      assert.equal(status, 2);
      assert.match(stderr, /^error: InferenceId.* (is not a file name|have the same file name): .*\n$/m);
      assert.deepEqual(await readdir(fixture.folder), before);
    });
  }

  it("exits 2 with one line if the folder cannot be written, and leaves no partial file", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    const { status, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", join(fixture.journal, "x")]);
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^error: Cannot make the folder .*\(EEXIST\): a part of that path is a file or a broken link, remove it, or choose another one with --to/m,
    );
  });

  it("reports that the folder cannot be made, not that the disk is full, for a path in /proc", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    const { status, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", "/proc/results"]);
    assert.equal(status, 2);
    assert.match(stderr, /Cannot make the folder \/proc\/results \(ENOENT\): choose another one with --to\./);
    assert.doesNotMatch(stderr, /free some space/);
  });

  it("exits 2 with the folder that cannot be made if --to is a file, is below one, or is a broken link", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    await symlink(fixture.path("nowhere"), fixture.path("link"));
    for (const place of ["a.mp4", "a.mp4/results", "link", "link/results"]) {
      const { status, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", fixture.path(place)]);
      assert.equal(status, 2);
      assert.match(
        stderr,
        /error: Cannot make the folder .* \((EEXIST|ENOTDIR)\): a part of that path is a file or a broken link, remove it, or choose another one with --to\.\n$/,
      );
    }
  });

  it("exits 2 if the video to draw on has been removed", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    for (const key of fixture.aws.objects.keys()) if (key.startsWith("in/")) fixture.aws.objects.delete(key);
    const { status, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", to, "--annotate"]);
    assert.equal(status, 2);
    assert.match(stderr, /The video s3:\/\/in\/.* no longer exists/);
    const [job] = fixture.aws.invocations;
    assert.deepEqual(await readdir(join(to, job!.inferenceId)), []);
  });

  it("downloads no video that the endpoint may not read, also if a record names it", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    const id = fixture.aws.invocations[0]!.inferenceId;
    const record = fixture.aws.record(id);
    const spoiled = { ...record, source: { ...record.source, uri: "s3://private/a.mp4" } };
    fixture.aws.objects.set(`out/jobs/${id}.json`, Buffer.from(JSON.stringify(spoiled)));
    const { status, stderr } = await fixture.execute(["fetch", "--id", id, "--to", to, "--annotate"]);
    assert.equal(status, 2);
    assert.match(stderr, /endpoint may not read s3:\/\/private\/a\.mp4/);
    assert.ok(fixture.aws.requests.every(({ object }) => !object.includes("private")));
  });

  it("draws the detections on the video", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(join(import.meta.dirname, "..", "..", "..", "model", "samples", "street.mp4"));
    const { status, stderr, lines } = await fixture.execute([
      "fetch",
      fixture.journal,
      "--to",
      to,
      "--annotate",
      "--json",
    ]);
    assert.equal(status, 0, stderr);
    const folder = join(to, fixture.aws.invocations[0]!.inferenceId);
    assert.equal(lines()[0]!.movie, join(folder, "annotated.mp4"));
    assert.deepEqual((await readdir(folder)).toSorted(), ["annotated.gif", "annotated.mp4"]);
  }).timeout(120_000);

  it("prints the paths of the annotated files, names the user's files, and draws on several at once", async () => {
    fixture.aws.onInvocation = fixture.complete;
    // A second or two of the sample: the model's tests check the drawing.
    const sample = await readFile(join(import.meta.dirname, "..", "..", "..", "model", "samples", "street.mp4"));
    for (const name of ["first.mp4", "second.mp4"]) await writeFile(fixture.path(name), sample.subarray(0, 40_000));
    await submit(fixture.path("first.mp4"), fixture.path("second.mp4"));
    const { status, stdout, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", to, "--annotate"]);
    assert.equal(status, 0, stderr);
    for (const { inferenceId } of fixture.aws.invocations) {
      assert.ok(stdout.includes(`\n  annotated  ${join(to, inferenceId, "annotated.mp4")}\n`), stdout);
      assert.ok(stdout.includes(`\n  animation  ${join(to, inferenceId, "annotated.gif")}\n`), stdout);
    }
    assert.match(stderr, /drawing on .*first\.mp4/);
    if (availableParallelism() > 1) assert.match(stderr, /(drawing on|downloading) .*\.mp4 .*and 1 other video/);
    assert.doesNotMatch(stderr, /s3:/);
  }).timeout(240_000);

  it("draws nothing on a file that is not a video, shows the reason, and leaves no file", async () => {
    fixture.aws.onInvocation = fixture.complete;
    await submit(fixture.path("a.mp4"));
    const { status, stderr } = await fixture.execute(["fetch", fixture.journal, "--to", to, "--annotate"]);
    assert.equal(status, 2);
    assert.match(stderr, /cannot be annotated: .*video\.mp4/);
    assert.deepEqual(await readdir(join(to, fixture.aws.invocations[0]!.inferenceId)), []);
  }).timeout(120_000);
});
