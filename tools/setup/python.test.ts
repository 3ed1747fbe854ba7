import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { Machine } from "../testing/machine.ts";
import { SetupError } from "./errors.mjs";
import { pythonEnvironment } from "./python.mjs";

/** Returns the steps of two environments, and a function that reads the calls of uv. */
async function environments(machine: Machine) {
  const lock = join(machine.folder, "lock.txt");
  await writeFile(lock, "a==1.0 --hash=sha256:00\n");
  const root = join(machine.cache, "uv", "1");
  const uv = { lock, root, executable: join(root, "uv") };
  const steps = ["serving", "other"].map((name) => {
    const folder = join(machine.cache, "python", name);
    const environment = { name, lock, root: folder, python: join(folder, "bin", "python") };
    return pythonEnvironment(environment, name, ["bin/python"], uv);
  });
  const calls = async () => {
    const log = join(machine.folder, "uv.log");
    return existsSync(log) ? (await readFile(log, "utf8")).trim().split("\n") : [];
  };
  return { steps, calls };
}

/** Puts a python3 on the PATH whose venv has a pip that installs a script as `uv`. */
async function providePython(machine: Machine, uvScript: string): Promise<void> {
  await machine.realCommands("mkdir", "cp", "chmod", "echo");
  await writeFile(join(machine.folder, "uv"), `#!/bin/sh\necho "$*" >> ${machine.folder}/uv.log\n${uvScript}\n`);
  await writeFile(
    join(machine.folder, "pip"),
    `#!/bin/sh
case "$*" in *--require-hashes*) ;; *) echo "hashes are not checked" >&2; exit 9 ;; esac
case "$*" in "-I -m pip install "*) ;; *) echo "not in isolated mode" >&2; exit 9 ;; esac
cp ${machine.folder}/uv "\${0%/*}/uv" && chmod 755 "\${0%/*}/uv"\n`,
  );
  await machine.command(
    "python3",
    `[ "$1" = -I ] || exit 9
mkdir -p "$5/bin" && cp ${machine.folder}/pip "$5/bin/python" && chmod 755 "$5/bin/python"`,
  );
}

/** A working uv. The folder is the last argument of `uv venv …`. */
const goodUv = `if [ "$1" = venv ]; then for folder; do :; done; mkdir -p "$folder/bin"; echo > "$folder/bin/python"; fi`;

/** Asserts that the work fails with a SetupError; returns the error. */
async function failure(work: Promise<unknown>): Promise<SetupError> {
  return work.then(
    () => assert.fail("it did not fail"),
    (error: unknown) => {
      assert.ok(error instanceof SetupError, String(error));
      return error;
    },
  );
}

describe("the Python environments", () => {
  it("are installed in parallel with one uv from locks with checked hashes, and then ready", async () => {
    await using machine = await Machine.create();
    await providePython(machine, goodUv);
    const { steps, calls } = await environments(machine);
    await Promise.all(steps.map((step) => step.install(machine.context)));
    assert.deepEqual(
      steps.map((step) => step.isReady()),
      [true, true],
    );
    const log = await calls();
    assert.equal(log.filter((line) => line.startsWith("venv") && line.includes("--relocatable")).length, 2);
    assert.equal(log.filter((line) => line.startsWith("pip sync") && line.includes("--require-hashes")).length, 2);
    assert.deepEqual(await readdir(join(machine.cache, "uv", "1")), [".complete", "uv"]);

    await Promise.all(steps.map((step) => step.install(machine.context)));
    assert.equal((await calls()).length, log.length);
  });

  it("report the progress of their downloads and the size of pip's", async () => {
    await using machine = await Machine.create();
    const lines = ["Downloading torch (1.5GiB)", "Downloading av (30.0MiB)", " Downloaded av", " Downloaded torch"];
    await providePython(
      machine,
      `${goodUv}\nif [ "$1" = pip ]; then ${lines.map((line) => `echo "${line}" >&2; `).join("")}fi`,
    );
    const pip = join(machine.folder, "pip");
    await writeFile(pip, `${await readFile(pip, "utf8")}echo "  Downloading uv-1.whl (20.1 MB)"\n`);
    const [step] = (await environments(machine)).steps;
    await step!.install(machine.context);
    const reports = machine.reports.filter((report) => /\d M/.test(report));
    assert.deepEqual(reports, [
      "installing uv: Downloading uv-1.whl (20.1 MB)",
      "downloading, 0 of 1536 MiB (torch)",
      "downloading, 0 of 1566 MiB (torch, av)",
      "downloading, 30 of 1566 MiB (torch)",
      "downloading, 1566 of 1566 MiB",
    ]);
  });

  it("are installed again if their interpreter is missing", async () => {
    await using machine = await Machine.create();
    await providePython(machine, goodUv);
    const [step] = (await environments(machine)).steps;
    assert.ok(step !== undefined);
    await step.install(machine.context);
    await rm(join(machine.cache, "python", "serving", "bin", "python"));
    assert.equal(step.isReady(), false);
    await step.install(machine.context);
    assert.equal(step.isReady(), true);
  });

  it("require a Python on the PATH, or fail with the packages to install", async () => {
    await using machine = await Machine.create();
    const [step] = (await environments(machine)).steps;
    const { message } = await failure(step!.install(machine.context));
    assert.match(message, /^Python is not on the PATH\. Install Python 3\.11 or 3\.12, with its venv module/);
  });

  it("require Python's venv module, or fail with its name", async () => {
    await using machine = await Machine.create();
    await machine.command("python3", "echo 'ensurepip is not available' >&2; exit 1");
    const [step] = (await environments(machine)).steps;
    const { message } = await failure(step!.install(machine.context));
    assert.match(
      message,
      /No Python on the PATH can create an environment\. .*venv module[^]*ensurepip is not available/,
    );
  });

  it("use the next Python if the first cannot create an environment", async () => {
    await using machine = await Machine.create();
    await providePython(machine, goodUv);
    await machine.command("python3.12", await readFile(join(machine.bin, "python3"), "utf8"));
    await machine.command("python3", "exit 127");
    const [step] = (await environments(machine)).steps;
    await step!.install(machine.context);
    assert.equal(step!.isReady(), true);
  });

  it("require uv, or fail with pip's output", async () => {
    await using machine = await Machine.create();
    await providePython(machine, goodUv);
    await writeFile(join(machine.folder, "pip"), "#!/bin/sh\necho 'ERROR: No matching distribution' >&2; exit 1\n");
    const [step] = (await environments(machine)).steps;
    const { message } = await failure(step!.install(machine.context));
    assert.match(message, /^pip cannot install uv, .*Output of pip:\n {2}ERROR: No matching distribution$/);
    assert.deepEqual(await readdir(join(machine.cache, "uv")), []);
  });

  it("require Python 3.11 or 3.12, or fail with uv's output", async () => {
    await using machine = await Machine.create();
    await providePython(machine, "echo 'error: No interpreter found' >&2; exit 2");
    const [step] = (await environments(machine)).steps;
    const { message } = await failure(step!.install(machine.context));
    assert.match(message, /^Python 3\.11 or 3\.12 was not found[^]*Output of uv:\n {2}error: No interpreter found$/);
    assert.deepEqual(await readdir(join(machine.cache, "python")), []);
  });
});
