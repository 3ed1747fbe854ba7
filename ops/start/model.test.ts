import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, describe, it } from "mocha";
import { cacheRoot, repoRoot, serving } from "../../tools/paths.mjs";
import { run } from "../testing/commands.ts";
import { ModelCommandError, startDrawing } from "./model.ts";

const sample = join(repoRoot, "model", "samples", "street.mp4");

describe("a drawing in the background", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "drawing-"));
  });

  after(() => rm(folder, { recursive: true }));

  const start = (signal = new AbortController().signal) =>
    startDrawing(sample, join(folder, "none.json"), join(folder, "out"), signal);

  it("fails with the program's reason", async () => {
    await using drawing = start();
    await assert.rejects(drawing.finished, (error: Error) => {
      assert.ok(error instanceof ModelCommandError);
      assert.match(error.message, /none\.json cannot be read/);
      return true;
    });
  });

  it("is given up when it is disposed of, without an unhandled rejection, and leaves no file", async () => {
    const drawing = start();
    await drawing[Symbol.asyncDispose]();
    await assert.rejects(drawing.finished, { name: "AbortError" });
    assert.deepEqual(await readdir(folder), []);
  });

  it("ends with the caller's reason when the caller's signal aborts", async () => {
    const end = new AbortController();
    await using drawing = start(end.signal);
    end.abort(new Error("the person asked for the end"));
    await assert.rejects(drawing.finished, /the person asked for the end/);
  });
});

describe("the environment of the model's commands", () => {
  it("has no credentials and nothing else that they do not need", async () => {
    const folder = await mkdtemp(join(tmpdir(), "environment-"));
    try {
      // A Python that tells its environment, where setup would have put the real one.
      const python = join(folder, relative(cacheRoot, serving.python));
      await mkdir(dirname(python), { recursive: true });
      await writeFile(
        python,
        `#!/bin/sh\n/usr/bin/env > "$TMPDIR/$1"\necho '{"movie":"m","animation":"a","duration":1}'\n`,
      );
      await chmod(python, 0o755);
      await mkdir(join(folder, "model"));
      const commands = `
        import { durationOf, packageModel, startDrawing } from "./ops/start/model.ts";
        const { signal } = new AbortController();
        await Promise.all([packageModel(signal), durationOf("v", signal), startDrawing("v", "r", "o", signal).finished]);`;
      const { status, stderr } = await run(["--input-type=module", "-e", commands], {
        ASYNC_VIDEO_INFERENCE_CACHE: folder,
        TMPDIR: folder,
        AWS_SECRET_ACCESS_KEY: "canary-1",
        GITHUB_TOKEN: "canary-2",
        PYTHONPATH: "canary-3",
        HTTPS_PROXY: "http://127.0.0.1:9",
      }).finished;
      assert.equal(status, 0, stderr);
      const base = ["HOME", "LANG", "PATH", "TMPDIR"];
      const download = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"];
      for (const [command, allowed] of [
        ["annotate.py", base],
        ["probe.py", base],
        ["package.py", [...base, ...download, "ASYNC_VIDEO_INFERENCE_HUB"]],
      ] as const) {
        const given = await readFile(join(folder, "model", command), "utf8");
        assert.doesNotMatch(given, /canary/);
        // PWD, OLDPWD, SHLVL and _ are the shell's; Node passes NODE_V8_COVERAGE to every child while coverage is measured.
        const names = [...given.matchAll(/^(\w+)=/gm)]
          .map(([, name = ""]) => name)
          .filter((name) => !/^(OLD)?PWD$|^SHLVL$|^_$|^NODE_V8_COVERAGE$/.test(name));
        assert.deepEqual(
          names.filter((name) => !(allowed as readonly string[]).includes(name)),
          [],
        );
        assert.ok(names.includes("PATH") && names.includes("HOME"));
        assert.equal(names.includes("HTTPS_PROXY"), command === "package.py");
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
