/** Tests for videos that `submit` sends in parts. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { startCommandFixture } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { startPartsFixture } from "../../testing/parts-fixture.ts";

describe("the command submit with --part", function () {
  this.timeout(60_000);
  let fixture: CommandFixture;

  forEachTest(startPartsFixture, (started) => (fixture = started));

  /** Submits with parts of three seconds. */
  const submit = () => fixture.submit(fixture.path("street.mp4"), "--part", "0.05");

  const requests = () =>
    fixture.sent
      .toSorted()
      .map(
        (uri) => JSON.parse(String(fixture.aws.objects.get(objectKey(uri)))) as Record<"from" | "to", number | null>,
      );

  it("sends a request for each part, cut at keyframes, of one upload", async () => {
    const { status, stderr, lines } = await submit();
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^4 of 4 parts of 1 video accepted$/m);
    assert.deepEqual(
      requests().map(({ from, to }) => [from, to]),
      [
        [0, 2],
        [2, 6],
        [6, 8],
        [8, null],
      ],
    );
    const uploads = fixture.aws.requests.filter(
      ({ operation, object }) => /^(PutObject|CreateMultipartUpload)$/.test(operation) && object.endsWith(".mp4"),
    );
    assert.equal(uploads.length, 1);
    assert.match(stderr, /job video-\w+ in 4 parts of about 3\.0 s$/m);
    const [job = ""] = lines().map(({ inferenceId }) => inferenceId.replace(/-\d+$/, ""));
    const record = fixture.aws.record(job);
    assert.deepEqual(
      record.parts.map(({ from, to, invocations }) => [from, to, invocations.map(({ state }) => state)]),
      [
        [0, 2, ["accepted"]],
        [2, 6, ["accepted"]],
        [6, 8, ["accepted"]],
        [8, null, ["accepted"]],
      ],
    );
    const names = fixture.aws.invocations.map(({ inferenceId }) => inferenceId).toSorted();
    assert.deepEqual(
      names,
      [0, 1, 2, 3].map((number) => `${job}-${number}`),
    );
  });

  it("names the range of each part", async () => {
    const { stdout } = await fixture.execute([
      ...["submit", fixture.path("street.mp4"), "--part", "0.05", "--wait", "--limit", "1"],
      ...["--journal", fixture.journal],
    ]);
    assert.match(stdout, /street\.mp4, 0:00:02 to 0:00:06: accepted as video-\w+-1/);
    assert.match(stdout, /street\.mp4, 0:00:08 to the end: pending/);
  });

  it("shows the parts with --dry-run, and sends nothing", async () => {
    const { status, stdout, stderr } = await fixture.execute([
      ...["submit", fixture.path("street.mp4"), "--part", "0.05", "--dry-run"],
    ]);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /street\.mp4: .*, in 4 parts: 0:00:00 to 0:00:02, 0:00:02 to 0:00:06, 0:00:06 to 0:00:08 and 1 other range\n/,
    );
    assert.match(stdout, /nothing was sent; 1 video in 4 parts would be\nupload: at most .* in 1 file /);
    assert.match(stderr, /street\.mp4: in 4 parts of about 3\.0 s$/m);
    assert.deepEqual(fixture.sent, []);
  });

  it("shows the parts that --resume would send with --dry-run", async () => {
    fixture.aws.onInvocation = () => {
      fixture.controller.abort();
    };
    await fixture.submit(fixture.path("street.mp4"), "--part", "0.05", "--concurrency", "1");
    await using next = await startCommandFixture();
    const { lines } = await next.execute(["submit", "--resume", "--journal", fixture.journal, "--dry-run", "--json"]);
    const [line] = lines() as readonly object[];
    const { jobs, requests: left, videos } = line as { jobs: number; requests: number; videos: { bytes: number }[] };
    assert.deepEqual([jobs, left, videos.length], [1, 4 - fixture.sent.length, 1]);
  });

  it("sends a video of unknown duration as one request, and says so", async () => {
    const { status, stderr } = await fixture.submit(fixture.path("a.mp4"), "--part", "0.05");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /a\.mp4: sent as one request, because its duration is unknown: /);
    assert.deepEqual(
      requests().map(({ from, to }) => [from, to]),
      [[0, null]],
    );
  });

  it("sends a short video as one request", async () => {
    const { status, lines } = await fixture.submit(fixture.path("street.mp4"), "--part", "5");
    assert.equal(status, 0);
    assert.equal(lines().length, 1);
    assert.equal(fixture.aws.record(lines()[0]?.inferenceId ?? "").parts.length, 1);
  });

  it("refuses a stack whose requests contain the videos", async () => {
    fixture.aws.requestMode = "payload";
    const { status, stderr } = await submit();
    assert.equal(status, 2);
    assert.match(stderr, /--part needs requests that refer to their videos/);
  });
});
