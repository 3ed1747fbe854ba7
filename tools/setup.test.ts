import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, it } from "mocha";
import { actionlintVersion, repoRoot } from "./paths.mjs";
import { isAlive, Machine, outcome, until } from "./testing/machine.ts";

const setup = join(repoRoot, "tools", "setup.mjs");

/** Returns all files of a cache. */
async function filesIn(cache: string): Promise<string[]> {
  const entries = await readdir(cache, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

describe("the command tools/setup.mjs", () => {
  it("prints its usage", async () => {
    await using machine = await Machine.create();
    const { status, stdout } = await machine.run(setup, "--help");
    assert.equal(status, 0);
    assert.match(stdout, /--only NAMES .*node, serving, ministack, pulumi, lint, actionlint/);
    assert.ok(stdout.includes(machine.cache));
  });

  for (const { args, message } of [
    { args: ["--no-such-option"], message: /--no-such-option/ },
    {
      args: ["--only", "serving,everything"],
      message: /"everything" is unknown\. Use names from this list: node, serving, ministack, pulumi, lint, actionlint/,
    },
    { args: ["serving"], message: /serving/ },
  ]) {
    it(`refuses ${args.join(" ")} with status 2`, async () => {
      await using machine = await Machine.create();
      const { status, stderr } = await machine.run(setup, ...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.match(stderr, /usage: node tools\/setup\.mjs/);
    });
  }

  it("prints that everything is installed, unless --quiet is set", async () => {
    await using machine = await Machine.create();
    assert.match((await machine.run(setup, "--only", "node")).stderr, /^setup: everything is installed$/m);
    const { status, stdout, stderr } = await machine.run(setup, "--only", "node", "--quiet");
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  });

  it("fails once with status 1 on a machine without Python", async () => {
    await using machine = await Machine.create();
    const { status, stdout, stderr } = await machine.run(setup, "--only", "serving,ministack");
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.equal(stderr.split("setup failed: Python is not on the PATH. Install Python 3.11").length, 2);
    assert.deepEqual(await filesIn(machine.cache), []);
  });

  for (const { kind, home, path } of [
    { kind: "a file", home: "file", path: /\/file \(EEXIST\)/ },
    { kind: "a broken link", home: "link", path: /\/link \(EEXIST\)/ },
    { kind: "a folder that supports no folders", home: "/proc", path: /\/proc\/\.cache \(ENOENT\)/ },
  ]) {
    it(`fails with one line and status 2 before any step if HOME is ${kind}`, async () => {
      await using machine = await Machine.create();
      await writeFile(join(machine.folder, "file"), "");
      await symlink(join(machine.folder, "nowhere"), join(machine.folder, "link"));
      const env = { PATH: machine.bin, HOME: resolve(machine.folder, home) };
      const { status, stderr } = await outcome(
        machine.startIn(machine.folder, env, setup, "--only", "lint,actionlint"),
      );
      assert.equal(status, 2);
      assert.match(
        stderr,
        /^\nsetup failed: Setup cannot write to .*Set ASYNC_VIDEO_INFERENCE_CACHE to a folder that you can write to\.\n$/,
      );
      assert.match(stderr, path);
    });
  }

  it("installs Ray's environment only if --only names it", async () => {
    await using machine = await Machine.create();
    assert.match((await machine.run(setup)).stderr, /^(?![^]*Ray)[^]*Python environment for serving/);
    assert.match((await machine.run(setup, "--only", "ray")).stderr, /Python environment for Ray Serve/);
  });

  it("fails with one message and status 1 on a machine without the CLI, Go and network access", async () => {
    await using machine = await Machine.create();
    await machine.command("curl", "echo 'curl: (7) Failed to connect' >&2; exit 7");
    const { status, stderr } = await machine.run(setup, "--only", "pulumi");
    assert.equal(status, 1);
    const [, reason] = stderr.split("setup failed: ");
    assert.match(reason ?? "", /^Cannot get the Pulumi CLI[^]*1\. a program[^]*2\. the official[^]*3\. a build/);
    assert.deepEqual(await filesIn(machine.cache), []);
  });

  it("runs no Python modules of the current folder or of PYTHONPATH", async function () {
    this.timeout(120_000);
    await using machine = await Machine.create();
    await machine.realCommands("python3");
    const hostile = join(machine.folder, "hostile");
    const owned = join(machine.folder, "owned");
    await mkdir(hostile);
    for (const name of ["venv.py", "pip.py", "ensurepip.py"]) {
      await writeFile(join(hostile, name), `open(${JSON.stringify(owned)}, "w")\nraise SystemExit(1)\n`);
    }
    // No package index answers at this URL, so setup fails after both modules would have run.
    const env = { ...machine.env, PYTHONPATH: hostile, PIP_INDEX_URL: "https://127.0.0.1:9/", PIP_RETRIES: "0" };
    const { status } = await outcome(machine.startIn(hostile, env, setup, "--only", "lint"));
    assert.equal(status, 1);
    assert.ok(!existsSync(owned));
  });

  it("runs commands in a neutral folder, so that the current folder cannot configure them", async () => {
    await using machine = await Machine.create();
    await machine.command("python3", `echo "runs in $(/bin/pwd)" >&2; exit 1`);
    const { stderr } = await machine.run(setup, "--only", "lint");
    assert.match(stderr, /^ *runs in \/$/m);
  });

  for (const { source, mode, entry } of [
    { source: "the current folder, which is a relative entry of the PATH", mode: 0o755, entry: () => "." },
    {
      source: "a folder that other users can change, and prints its name",
      mode: 0o777,
      entry: (folder: string) => folder,
    },
  ]) {
    it(`runs no program from ${source}`, async () => {
      await using machine = await Machine.create();
      const folder = join(machine.folder, "hostile");
      const owned = join(machine.folder, "owned");
      await mkdir(folder);
      await chmod(folder, mode);
      for (const name of ["actionlint", "curl", "go"]) {
        await writeFile(join(folder, name), `#!/bin/sh\n: > ${owned}\necho ${actionlintVersion}\n`, { mode: 0o755 });
      }
      const env = { ...machine.env, PATH: `${entry(folder)}:${machine.bin}` };
      const { status, stderr } = await outcome(machine.startIn(folder, env, setup, "--only", "actionlint"));
      assert.equal(status, 1);
      assert.match(
        stderr,
        /1\. a program on the PATH: none was found\.\n +2\..*curl was not found\n +3\..*Go is not on the PATH/,
      );
      assert.equal(stderr.includes("were not searched, because other users can change them"), mode === 0o777);
      assert.ok(!existsSync(owned));
    });
  }

  for (const { signal, status } of [
    { signal: "SIGINT", status: 130 },
    { signal: "SIGTERM", status: 143 },
  ] as const) {
    it(`ends all its processes, cleans up and has status ${status} after ${signal}`, async () => {
      await using machine = await Machine.create();
      const file = join(machine.folder, "pids");
      await machine.command(
        "python3",
        `/bin/mkdir -p "$5/half"; /bin/sleep 600 & echo $$ $! > ${file}.new; /bin/mv ${file}.new ${file}; wait`,
      );
      const child = machine.start(setup, "--only", "serving,ministack");
      const ended = outcome(child);
      await until("Python runs", () => existsSync(file));
      const pids = readFileSync(file, "utf8").trim().split(" ").map(Number);
      assert.equal(pids.length, 2);
      child.kill(signal);
      const { status: found, stderr } = await ended;
      assert.equal(found, status);
      assert.match(stderr, new RegExp(`stopped by ${signal}`));
      await until("its processes have ended", () => !pids.some(isAlive));
      assert.deepEqual(await filesIn(machine.cache), []);
    });
  }
});
