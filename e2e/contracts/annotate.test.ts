/** Tests the program that draws detections on downloaded videos: its environment and its time limit. */
import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { cacheRoot, repoRoot, serving } from "../../tools/paths.mjs";
import { annotate } from "../../client/cli/annotate.ts";
import type { AnnotateProgress } from "../../client/cli/annotate.ts";
import { connect } from "../../client/src/stack.ts";
import { invoke } from "../../client/src/submit.ts";
import { startCommandFixture } from "../../client/testing/command-fixture.ts";
import type { CommandFixture } from "../../client/testing/command-fixture.ts";

describe("the annotation program", () => {
  const secrets = { AWS_SECRET_ACCESS_KEY: "canary-1", PULUMI_ACCESS_TOKEN: "canary-2", GITHUB_TOKEN: "canary-3" };
  const before = { ...process.env };
  let fixture: CommandFixture;

  beforeEach(async () => {
    fixture = await startCommandFixture();
  });

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
    await fixture[Symbol.asyncDispose]();
  });

  it("gets only the folder and language variables of the environment, and no credentials", async () => {
    // A stand-in that records its environment, at the path where setup installs the real Python.
    const python = join(fixture.folder, relative(cacheRoot, serving.python));
    await mkdir(dirname(python), { recursive: true });
    await writeFile(python, `#!/bin/sh\n/usr/bin/env > "$TMPDIR/env"\necho '{"movie":"m","animation":"a"}'\n`);
    await chmod(python, 0o755);
    Object.assign(process.env, secrets, {
      ASYNC_VIDEO_INFERENCE_CACHE: fixture.folder,
      LANG: "C.UTF-8",
      TMPDIR: fixture.folder,
      NODE_OPTIONS: "--no-warnings",
    });
    fixture.aws.onInvocation = fixture.complete;
    await fixture.execute(["submit", fixture.path("a.mp4"), "--journal", fixture.path("jobs.jsonl")]);
    const outputFolder = fixture.path("out");
    const { status, stderr } = await fixture.execute([
      "fetch",
      fixture.path("jobs.jsonl"),
      "--to",
      outputFolder,
      "--annotate",
      "--json",
    ]);
    assert.equal(status, 0, stderr);
    const variables = (await readFile(fixture.path("env"), "utf8")).trim().split("\n");
    // PWD, OLDPWD, SHLVL and _ are the shell's; Node passes NODE_V8_COVERAGE to every child while coverage is measured.
    const names = variables
      .map((line) => line.split("=", 1)[0] ?? "")
      .filter((name) => !/^(OLD)?PWD$|^SHLVL$|^_$|^NODE_V8_COVERAGE$/.test(name));
    const allowed = ["ASYNC_VIDEO_INFERENCE_CACHE", "HOME", "LANG", "PATH", "TMPDIR", "XDG_CACHE_HOME"];
    assert.deepEqual(
      names.filter((name) => !allowed.includes(name)),
      [],
    );
    assert.ok(names.includes("PATH") && names.includes("HOME"));
    assert.doesNotMatch(variables.join("\n"), /canary/);
  });

  it("tells how much of the video is downloaded and drawn", async () => {
    const sample = join(repoRoot, "model", "samples", "street.mp4");
    fixture.aws.objects.set("in/videos/a.mp4", await readFile(sample));
    const python = join(fixture.folder, relative(cacheRoot, serving.python));
    await mkdir(dirname(python), { recursive: true });
    const lines = ["echo 'annotate.py: 40.25 % drawn' >&2", 'echo \'{"movie":"m","animation":"a"}\''];
    await writeFile(python, `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
    Object.assign(process.env, { ASYNC_VIDEO_INFERENCE_CACHE: fixture.folder });
    using stack = connect(fixture.aws.outputs);
    const job = await invoke(stack, { inputLocation: "s3://in/videos/a.mp4", contentType: "video/mp4" });
    const told: AnnotateProgress[] = [];
    const { signal } = new AbortController();
    await annotate(stack, job, "result.json", fixture.folder, { signal, onProgress: (each) => told.push(each) });
    assert.deepEqual(told.at(-2), { step: "downloading", percent: 100 });
    assert.deepEqual(told.at(-1), { step: "drawing on", percent: 40 });
    assert.ok(told.length > 2);
  });

  /** Draws with a shell script in place of Python. */
  const drawWith = async (script: string, stallMs?: number) => {
    const python = join(fixture.folder, relative(cacheRoot, serving.python));
    await mkdir(dirname(python), { recursive: true });
    await writeFile(python, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    Object.assign(process.env, { ASYNC_VIDEO_INFERENCE_CACHE: fixture.folder });
    fixture.aws.objects.set("in/videos/a.mp4", Buffer.from("video"));
    using stack = connect(fixture.aws.outputs);
    const job = await invoke(stack, { inputLocation: "s3://in/videos/a.mp4", contentType: "video/mp4" });
    const { signal } = new AbortController();
    return await annotate(stack, job, "result.json", fixture.folder, { signal, stallMs });
  };
  const files = `echo '{"movie":"m","animation":"a"}'`;
  const drawn = (percent: string) => `echo 'annotate.py: ${percent} % drawn' >&2`;

  it("is stopped if it makes no progress", async () => {
    const repeated = `while sleep 0.2; do ${drawn("40.25")}; done`;
    await assert.rejects(drawWith(repeated, 2_000), {
      name: "SetupError",
      message: /drawing made no progress for 2 s/,
    });
  });

  it("may take longer than the time limit while it makes progress", async () => {
    const steps = [1, 2, 3, 4].map((step) => `${drawn(`0.0${step}`)}; sleep 1`);
    assert.deepEqual(await drawWith([...steps, files].join("\n"), 3_000), { movie: "m", animation: "a" });
  });

  it("names the signal that killed it, and the remedy", async () => {
    await assert.rejects(drawWith(`${drawn("45.00")}\nkill -KILL $$`), {
      name: "SetupError",
      message: /SIGKILL, probably because memory ran out.*more memory/,
    });
  });

  it("prints its last message, which is not a progress line", async () => {
    await assert.rejects(drawWith(`echo 'annotate.py: broken' >&2\n${drawn("45.00")}\nexit 1`), {
      message: /annotated: annotate.py: broken$/,
    });
    await assert.rejects(drawWith(`${drawn("45.00")}\nexit 3`), { message: /exit status 3 and gave no reason/ });
  });
});
