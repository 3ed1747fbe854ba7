import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { Machine } from "../testing/machine.ts";
import { SetupError } from "./errors.mjs";
import { pulumiCli } from "./pulumi.mjs";

const version = "3.259.0";
const archive = `pulumi-v${version}-${process.platform}-${process.arch}.tar.gz`;

/** Returns the step for a machine, with the content of this project's language host, and the paths that it installs. */
async function stepOn(machine: Machine, hostText = "// this project's\n") {
  const languageHost = join(machine.folder, "language-host.mjs");
  const checksums = join(machine.folder, "checksums.txt");
  if (!existsSync(checksums)) await writeFile(checksums, `${"0".repeat(64)}  ${archive}\n`);
  await writeFile(languageHost, hostText);
  const hash = createHash("sha256").update(hostText).digest("hex").slice(0, 8);
  const root = join(machine.cache, "pulumi", version, hash);
  const build = join(machine.cache, "pulumi", version, "cli");
  const step = pulumiCli({ version, root, build, cacheRoot: machine.cache, module: machine.folder, languageHost });
  return { step, root, cli: join(root, "bin", "pulumi"), host: join(root, "bin", "pulumi-language-nodejs") };
}

/** Puts a program `go` on the PATH that builds an executable and logs its builds. */
async function provideGo(machine: Machine): Promise<void> {
  await machine.realCommands("chmod");
  await machine.command(
    "go",
    `if [ "$1" = list ]; then echo a; echo b; exit; fi
echo "$*" >> ${machine.folder}/go.log
echo a >&2
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2" && echo 'echo built' >> "$2" && chmod 755 "$2"`,
  );
}

/** Puts a tar and a curl that serves the release on the PATH, and records the release's SHA-256 or another checksum. */
async function serveRelease(machine: Machine, checksum?: string): Promise<void> {
  const content = join(machine.folder, "release", "pulumi");
  await mkdir(content, { recursive: true });
  for (const name of ["pulumi", "pulumi-language-nodejs"]) {
    await writeFile(join(content, name), `#!/bin/sh\necho official ${name}\n`);
    await chmod(join(content, name), 0o755);
  }
  const file = join(machine.folder, "release", archive);
  execFileSync("tar", ["-czf", file, "-C", join(machine.folder, "release"), "pulumi"]);
  const found = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  const list = `${"0".repeat(64)}  pulumi-v${version}-plan9-mips.tar.gz\n${checksum ?? found}  ${archive}\n`;
  await writeFile(join(machine.folder, "checksums.txt"), list);
  await machine.realCommands("cp", "tar", "gzip");
  await machine.command(
    "curl",
    `for url; do :; done
while [ "$1" != --output ]; do shift; done
cp "${machine.folder}/release/\${url##*/}" "$2"`,
  );
}

const offline = "echo 'curl: (6) Could not resolve host' >&2; exit 6";

/** Asserts that the work fails with a SetupError; returns its message. */
async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => assert.fail("it did not fail"),
    (error: unknown) => {
      assert.ok(error instanceof SetupError, String(error));
      return error.message;
    },
  );
}

/** Runs an executable; returns its output. */
const outputOf = (file: string) => execFileSync(file, { encoding: "utf8", env: {} }).trim();

describe("the Pulumi CLI", () => {
  it("is the one on the PATH if that has the SDK's version, with its language host", async () => {
    await using machine = await Machine.create();
    await machine.command("pulumi", `echo v${version}`);
    await machine.command("pulumi-language-nodejs", "echo official host");
    const { step, cli, host } = await stepOn(machine);
    await step.install(machine.context);
    assert.equal(realpathSync(cli), join(machine.bin, "pulumi"));
    assert.equal(outputOf(host), "official host");
    assert.equal(step.isReady(), true);
  });

  it("is installed again if the one on the PATH is replaced", async () => {
    await using machine = await Machine.create();
    await machine.command("pulumi", `echo v${version}`);
    const { step } = await stepOn(machine);
    await step.install(machine.context);
    assert.equal(step.isReady(), true);
    await machine.command("pulumi", "echo v4.0.0 # another release");
    assert.equal(step.isReady(), false);
  });

  it("gets this project's language host if the one on the PATH has none", async () => {
    await using machine = await Machine.create();
    await machine.command("pulumi", `echo v${version}`);
    const { step, root, host } = await stepOn(machine, "// of this clone\n");
    await step.install(machine.context);
    assert.match(await readFile(host, "utf8"), /^#!\/bin\/sh\nexec node .*language-host\.mjs/);
    assert.equal(await readFile(join(root, "lib", "language-host.mjs"), "utf8"), "// of this clone\n");
  });

  it("is otherwise the official release with its language host", async () => {
    await using machine = await Machine.create();
    await machine.command("pulumi", "echo v3.1.0");
    await serveRelease(machine);
    const { step, cli, host } = await stepOn(machine);
    await step.install(machine.context);
    assert.equal(outputOf(cli), "official pulumi");
    assert.equal(outputOf(host), "official pulumi-language-nodejs");
    assert.deepEqual((await readdir(join(machine.cache, "pulumi", version, "cli"))).sort(), [
      ".complete",
      "pulumi",
      "pulumi-language-nodejs",
    ]);
  });

  it("is not taken from a release with another checksum than the recorded one", async () => {
    await using machine = await Machine.create();
    await serveRelease(machine, "1".repeat(64));
    const { step, root } = await stepOn(machine);
    const message = await failure(step.install(machine.context));
    assert.match(
      message,
      new RegExp(`2\\. the official release: ${archive} has the SHA-256 .*, but 1{64} is expected`),
    );
    assert.ok(!existsSync(root));
  });

  it("is otherwise built from the pinned source, once for all versions of this project's language host", async () => {
    await using machine = await Machine.create();
    await machine.command("curl", offline);
    await provideGo(machine);
    for (const text of ["// one\n", "// two\n"]) {
      const { step, cli, host } = await stepOn(machine, text);
      assert.equal(step.isReady(), false);
      await step.install(machine.context);
      assert.equal(step.isReady(), true);
      assert.equal(outputOf(cli), "built");
      assert.match(await readFile(host, "utf8"), /language-host\.mjs/);
    }
    const builds = (await readFile(join(machine.folder, "go.log"), "utf8")).trim().split("\n");
    assert.equal(builds.length, 1);
    assert.match(builds[0] ?? "", /version\.Version=v3\.259\.0/);
    assert.ok(machine.reports.includes("building from source, 1 of up to 2 packages"));
  });

  it("is not taken from the PATH if that one is in setup's cache", async () => {
    await using machine = await Machine.create();
    const cached = join(machine.cache, "pulumi", version, "old", "bin");
    await mkdir(cached, { recursive: true });
    await writeFile(join(cached, "pulumi"), `#!/bin/sh\necho v${version}\n`);
    await chmod(join(cached, "pulumi"), 0o755);
    await machine.command("curl", offline);
    await provideGo(machine);
    const { step, cli } = await stepOn(machine);
    const context = { ...machine.context, env: { ...machine.env, PATH: `${cached}:${machine.bin}` } };
    await step.install(context);
    assert.equal(outputOf(cli), "built");
  });

  it("has one error with the reasons of all three sources if none works", async () => {
    await using machine = await Machine.create();
    await machine.command("pulumi", "echo v3.1.0");
    await machine.command("curl", offline);
    const { step } = await stepOn(machine);
    const message = await failure(step.install(machine.context));
    assert.match(message, /^Cannot get the Pulumi CLI 3\.259\.0\. Tried three sources:/);
    assert.match(message, /1\. a program on the PATH: .*bin\/pulumi is v3\.1\.0\./);
    assert.match(message, /2\. the official release: [^]*Could not resolve host/);
    assert.match(message, /3\. a build from source: Go is not on the PATH\./);
    assert.match(message, /Install Pulumi 3\.259\.0 .* or Go 1\.25 or newer/);
    assert.deepEqual(await readdir(join(machine.cache, "pulumi", version)), []);
  });

  it("has Go's output in the error if its source cannot be downloaded", async () => {
    await using machine = await Machine.create();
    await machine.command("go", "echo 'go: dial tcp: connection refused' >&2; exit 1");
    const { step } = await stepOn(machine);
    const message = await failure(step.install(machine.context));
    assert.match(message, /1\. a program on the PATH: none was found\./);
    assert.match(message, /2\. the official release: curl was not found/);
    assert.match(message, /3\. a build from source: go ended with status 1:\n +go: dial tcp: connection refused/);
  });

  it("is not built from source if the disk is full", async () => {
    await using machine = await Machine.create();
    await machine.command("curl", "echo 'curl: (23) No space left on device' >&2; exit 23");
    await provideGo(machine);
    const { step } = await stepOn(machine);
    await assert.rejects(step.install(machine.context), /No space left on device/);
    assert.ok(!existsSync(join(machine.folder, "go.log")));
  });
});
