/** Tests for the inputs, options and stacks for which `submit` sends nothing. */
import assert from "node:assert/strict";
import { access, mkdir, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { startCommandFixture, videoBytes } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";
import { maxInputBytes } from "../../src/limits.ts";

describe("the command submit", () => {
  let fixture: CommandFixture;

  forEachTest(startCommandFixture, (started) => (fixture = started));

  const submit = (...args: readonly string[]) => fixture.submit(...args);
  const video = (name: string) => fixture.path(name);
  const assertNothingSent = async () => {
    assert.equal(fixture.aws.count("PutObject") + fixture.aws.count("InvokeEndpointAsync"), 0);
    await assert.rejects(access(fixture.journal), { code: "ENOENT" });
  };

  for (const [what, uri] of [
    ["an object in another bucket", "s3://other/a.mp4"],
    ["a prefix in another bucket", "s3://other/x/"],
    ["a whole bucket of which a prefix is a source", "s3://source"],
    ["an object outside a source's prefix", "s3://source/private/a.mp4"],
    ["an object of the input bucket outside the input prefix", "s3://in/models/a.mp4"],
  ] as const) {
    it(`sends nothing for ${what}, which the endpoint may not read, and names the setting`, async () => {
      for (const key of ["other/a.mp4", "other/x/b.mp4", "source/private/a.mp4", "in/models/a.mp4"]) {
        fixture.aws.objects.set(key, Buffer.from("video"));
      }
      const { status, stderr } = await submit(video("a.mp4"), uri);
      assert.equal(status, 2);
      assert.match(
        stderr,
        /may not read s3:\/\/.* only s3:\/\/in\/videos\/ and s3:\/\/source\/clips\/\. .*setting sourceBuckets and deploy/,
      );
      await assertNothingSent();
    });
  }

  it("refuses on --resume a video that the endpoint may no longer read", async () => {
    fixture.aws.objects.set("source/clips/a.mp4", Buffer.from("video"));
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 400, code: "AccessDeniedException" } });
    assert.equal((await submit("s3://source/clips/a.mp4")).status, 2);
    fixture.outputs = { sourceLocations: [] };
    const { status, lines } = await submit("--resume");
    assert.equal(status, 2);
    assert.match(lines()[0]?.problem ?? "", /may not read s3:\/\/source\/clips\/a\.mp4/);
    assert.deepEqual(fixture.sent, []);
  });

  it("refuses on --resume an object that has changed since its first call, and sends the others", async () => {
    fixture.aws.requestMode = "reference";
    for (const name of ["a", "b"]) fixture.aws.objects.set(`source/clips/${name}.mp4`, Buffer.from("video"));
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 400, code: "AccessDeniedException" } });
    assert.equal((await submit("s3://source/clips/a.mp4", "s3://source/clips/b.mp4", "--concurrency", "1")).status, 2);
    fixture.aws.objects.set("source/clips/a.mp4", Buffer.from("another video"));
    const { status, lines } = await submit("--resume");
    assert.equal(status, 2);
    assert.deepEqual(
      lines().map(({ problem }) => problem?.replaceAll(/"\w+"/g, "…")),
      [
        "The video s3://source/clips/a.mp4 has changed since the job was submitted (ETag …, now …): submit it again, as a new job.",
        undefined,
      ],
    );
    assert.deepEqual(fixture.aws.invocations.length, 1);
  });

  for (const [flag, value, words] of [
    ["--max-side", "63", /--max-side takes whole pixels from 64 to 8192/],
    ["--format", "xml", /--format takes json or ndjson/],
    ["--encoding", "zip", /--encoding takes identity or gzip/],
    ["--fps", "1001", /fps is 1001: .* at most 1000/],
  ] as const) {
    it(`sends nothing for ${flag} ${value}`, async () => {
      const { status, stderr } = await submit(video("a.mp4"), flag, value);
      assert.equal(status, 2);
      assert.match(stderr, words);
      await assertNothingSent();
    });
  }

  it("refuses the model's options with --resume", async () => {
    const { status, stderr } = await submit("--resume", "--format", "ndjson");
    assert.equal(status, 2);
    assert.match(stderr, /as they were planned: leave out --format;/);
  });

  it("takes .ts files of a folder that are MPEG-TS, not TypeScript", async () => {
    await mkdir(video("clips"));
    const packet = Buffer.alloc(188);
    packet[0] = 0x47;
    await writeFile(video("clips/camera.ts"), Buffer.concat([packet, packet, packet]));
    await writeFile(video("clips/code.ts"), "export const answer = 42;\n".repeat(40));
    const { status, stdout, stderr } = await fixture.execute(["submit", video("clips"), "--dry-run"]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /clips\/camera\.ts: 564 bytes\n/);
    assert.doesNotMatch(stdout, /code\.ts/);
    assert.match(stderr, /skipped 1 file of another type/);
  });

  for (const [args, words] of [
    [[""], /FILE is empty: give the path of a video/],
    [["a.mp4", "--limit", "5"], /--limit needs --wait/],
  ] as const) {
    it(`refuses submit ${JSON.stringify(args)}`, async () => {
      const { status, stderr } = await submit(...args);
      assert.equal(status, 2);
      assert.match(stderr, words);
      await assertNothingSent();
    });
  }

  for (const [what, prepare, words] of [
    ["is empty", () => writeFile(video("bad.mp4"), ""), /bad\.mp4 is empty/],
    ["is a text", () => writeFile(video("bad.mp4"), "These are notes."), /bad\.mp4 is not a video/],
    ["is a folder without videos", () => mkdir(video("bad.mp4")), /bad\.mp4 contains no videos/],
    ["is missing", () => Promise.resolve(), /Cannot read .*bad\.mp4 \(ENOENT\)/],
    [
      "is larger than AWS's 1 GB",
      async () => {
        await writeFile(video("bad.mp4"), videoBytes("bad"));
        await truncate(video("bad.mp4"), maxInputBytes + 1);
      },
      /accepts up to 1024 MiB\. Cut it/,
    ],
  ] as const) {
    it(`sends nothing, exits 2 and leaves no journal if one of the files ${what}`, async () => {
      await prepare();
      const { status, stderr } = await submit(video("a.mp4"), video("bad.mp4"));
      assert.equal(status, 2);
      assert.match(stderr, words);
      await assertNothingSent();
    });
  }

  for (const [what, place, words] of [
    [
      "below a file",
      "a.mp4/jobs.jsonl",
      /\(ENOTDIR\): a part of that path is a file or a broken link, remove it, or choose another/,
    ],
    ["below a broken link", "link/jobs.jsonl", /\(ENOENT\): its folder does not exist, create it/],
    ["a broken link", "link", /link exists already: resume it/],
    [
      "in /proc, which takes no files",
      "/proc/jobs.jsonl",
      /Cannot write \/proc\/jobs\.jsonl.*: .*choose another folder\./,
    ],
  ] as const) {
    it(`sends nothing and exits 2 if the job journal is ${what}`, async () => {
      await symlink(video("nowhere"), video("link"));
      const file = place.startsWith("/") ? place : video(place);
      const { status, stderr } = await fixture.execute(["submit", video("a.mp4"), "--journal", file]);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.equal(stderr.trim().split("\n").at(-1)?.startsWith("error: "), true, stderr);
      await assertNothingSent();
    });
  }

  it("sends nothing if a file is larger than the stack accepts", async () => {
    fixture.outputs = { maxRequestSize: 1 };
    await truncate(video("a.mp4"), 1024 ** 2 + 1);
    const { status, stderr } = await submit(video("a.mp4"));
    assert.equal(status, 2);
    assert.match(
      stderr,
      /a\.mp4 has 1\.1 MiB; the stack accepts up to 1 MiB \(its setting maxRequestSize\)\. Cut it .* and deploy\./,
    );
    await assertNothingSent();
  });

  it("sends nothing if --timeout is longer than the stack allows", async () => {
    fixture.outputs = { invocationTimeout: 600 };
    const { status, stderr } = await submit(video("a.mp4"), "--timeout", "601");
    assert.equal(status, 2);
    assert.match(
      stderr,
      /601 s is too long: the stack allows 600 s \(its setting invocationTimeout\)\. .* and deploy\./,
    );
    await assertNothingSent();
  });

  for (const name of ["maxRequestSize", "invocationTimeout"]) {
    it(`sends nothing to a stack whose outputs have no ${name}`, async () => {
      fixture.outputs = { [name]: undefined };
      const { status, stderr } = await submit(video("a.mp4"));
      assert.equal(status, 2);
      assert.match(stderr, new RegExp(`outputs have no ${name}.*deploy the stack with this version`));
      await assertNothingSent();
    });
  }

  it("does not upload on --resume a job whose time limit the stack no longer allows", async () => {
    const journal = video("planned.jsonl");
    const job = { inferenceId: "late", endpointName: "video", file: video("a.mp4"), contentType: "video/mp4" };
    const planned = { event: "planned", of: 1, job: { ...job, ttlSeconds: 60, timeoutSeconds: 900 } };
    await writeFile(journal, `${JSON.stringify(planned)}\n`);
    fixture.outputs = { invocationTimeout: 600 };
    const { status, stdout } = await fixture.execute(["submit", "--resume", "--journal", journal]);
    assert.equal(status, 2);
    assert.match(stdout, /not sent: A timeout of 900 s is too long/);
    assert.equal(fixture.aws.count("PutObject") + fixture.aws.count("InvokeEndpointAsync"), 0);
  });

  it("names the bad files of a folder, each with its reason, and reports that the others were not sent", async () => {
    await mkdir(video("clips"));
    for (const name of ["clips/a.mp4", "clips/b.mp4"]) await writeFile(video(name), videoBytes(name));
    await writeFile(video("clips/empty.mp4"), "");
    await writeFile(video("clips/notes.mp4"), "These are notes.");
    const { status, stderr } = await submit(video("clips"));
    assert.equal(status, 2);
    assert.match(
      stderr,
      /clips\/empty\.mp4 is empty: .*clips\/notes\.mp4 is not a video: .* Nothing was sent, although 2 videos are valid: correct or remove the named ones/,
    );
    await assertNothingSent();
  });

  it("names each of several files that cannot be sent", async () => {
    const names = ["1.mp4", "2.mp4", "3.mp4", "4.mp4", "5.mp4", "6.mp4", "7.mp4"];
    for (const name of names) await writeFile(video(name), "");
    const { status, stderr } = await submit(...names.map(video));
    assert.equal(status, 2);
    assert.equal(stderr.match(/[1-5]\.mp4 is empty: it contains no video\./g)?.length, 5);
    assert.match(stderr, / \(And 2 more\.\)$/m);
    await assertNothingSent();
  });

  for (const [what, uri, words] of [
    ["object", "s3://in/videos/none.mp4", /no object s3:\/\/in\/videos\/none\.mp4; end it with a slash/],
    ["prefix", "s3://in/videos/none/", /no videos .* below s3:\/\/in\/videos\/none\//],
    ["bucket's name", "s3:///a.mp4", /names no bucket/],
    [
      "bucket",
      "s3://nosuchbucket/x.mp4",
      /Bucket nosuchbucket does not exist, so there is no s3:\/\/nosuchbucket\/x\.mp4/,
    ],
    ["bucket of a prefix", "s3://nosuchbucket/x/", /Bucket nosuchbucket does not exist/],
  ] as const) {
    it(`sends nothing and exits 2 if there is no such ${what} in S3`, async () => {
      fixture.aws.s3.missingBuckets = ["nosuchbucket"];
      const { status, stderr } = await submit(video("a.mp4"), uri);
      assert.equal(status, 2);
      assert.match(stderr, words);
      await assertNothingSent();
    });
  }

  for (const [what, fault, words] of [
    [
      "the endpoint does not exist",
      { operation: "DescribeEndpoint", answer: { status: 400, code: "ValidationException" } },
      /There is no endpoint video in us-east-1/,
    ],
    [
      "the credentials have expired",
      { operation: "DescribeEndpoint", answer: { status: 400, code: "ExpiredTokenException" } },
      /have expired: renew them/,
    ],
  ] as const) {
    it(`sends nothing and exits 2 if ${what}`, async () => {
      fixture.aws.fail(fault);
      const { status, stderr } = await submit(video("a.mp4"));
      assert.equal(status, 2);
      assert.match(stderr, words);
      await assertNothingSent();
    });
  }

  it("sends nothing to an endpoint that is not in service", async () => {
    fixture.aws.endpoint.EndpointStatus = "Creating";
    const { status, stderr } = await submit(video("a.mp4"));
    assert.equal(status, 2);
    assert.match(stderr, /is Creating: it accepts videos when it is InService/);
    await assertNothingSent();
  });

  it("does not overwrite a journal", async () => {
    await submit(video("a.mp4"));
    const { status, stderr } = await submit(video("b.mp4"));
    assert.equal(status, 2);
    assert.match(stderr, /exists already: resume it \(--resume\)/);
    assert.equal(fixture.aws.invocations.length, 1);
    assert.deepEqual(
      (await readdir(fixture.folder)).filter((name) => name.endsWith(".lock")),
      [],
    );
  });
});
