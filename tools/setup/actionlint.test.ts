import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { actionlintVersion as version } from "../paths.mjs";
import { Machine } from "../testing/machine.ts";
import { actionlintProgram } from "./actionlint.mjs";
import { SetupError } from "./errors.mjs";

const archive = `actionlint_${version}_${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}.tar.gz`;

/** Returns the step for a machine, and the path of its executable. */
async function stepOn(machine: Machine) {
  const checksums = join(machine.folder, "checksums.txt");
  if (!existsSync(checksums)) await writeFile(checksums, `# none\n`);
  const root = join(machine.cache, "actionlint", version);
  const step = actionlintProgram({ version, root, cacheRoot: machine.cache, module: machine.folder });
  return { step, executable: join(root, "actionlint") };
}

/** Puts a tar and a curl that serves the release on the PATH, and records the release's SHA-256 or another checksum. */
async function serveRelease(machine: Machine, checksum?: string): Promise<void> {
  const folder = join(machine.folder, "release");
  await mkdir(folder);
  await writeFile(join(folder, "actionlint"), "#!/bin/sh\necho released\n");
  await chmod(join(folder, "actionlint"), 0o755);
  await writeFile(join(folder, "LICENSE.txt"), "");
  execFileSync("tar", ["-czf", join(folder, archive), "-C", folder, "actionlint", "LICENSE.txt"]);
  const found = createHash("sha256")
    .update(await readFile(join(folder, archive)))
    .digest("hex");
  await writeFile(join(machine.folder, "checksums.txt"), `${checksum ?? found}  ${archive}\n`);
  await machine.realCommands("cp", "tar", "gzip");
  await machine.command(
    "curl",
    `for url; do :; done
while [ "$1" != --output ]; do shift; done
cp "${folder}/\${url##*/}" "$2"`,
  );
}

/** Returns the version that an executable prints. */
const printedVersion = (file: string) => execFileSync(file, ["-version"], { encoding: "utf8", env: {} }).trim();

describe("actionlint", () => {
  it("is the one on the PATH if that has the pinned version", async () => {
    await using machine = await Machine.create();
    await machine.command("actionlint", `echo ${version}; echo found on the PATH`);
    const { step, executable } = await stepOn(machine);
    assert.equal(step.isReady(), false);
    await step.install(machine.context);
    assert.match(printedVersion(executable), /found on the PATH/);
    assert.equal(step.isReady(), true);
  });

  it("is otherwise the program of the official release", async () => {
    await using machine = await Machine.create();
    await machine.command("actionlint", "echo 1.0.0");
    await serveRelease(machine);
    const { step, executable } = await stepOn(machine);
    await step.install(machine.context);
    assert.equal(printedVersion(executable), "released");
    assert.ok(!existsSync(join(executable, "..", "LICENSE.txt")));
  });

  it("is otherwise built from the pinned source, if no SHA-256 of a release is recorded", async () => {
    await using machine = await Machine.create();
    await machine.command("curl", "exit 9");
    await machine.realCommands("chmod");
    await machine.command(
      "go",
      `case "$*" in *actionlint.version=${version}*) ;; *) exit 9 ;; esac
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2" && echo 'echo built' >> "$2" && chmod 755 "$2"`,
    );
    const { step, executable } = await stepOn(machine);
    await step.install(machine.context);
    assert.equal(printedVersion(executable), "built");
  });

  it("has one error with the reasons of all three sources if none works", async () => {
    await using machine = await Machine.create();
    await machine.command("actionlint", "echo 1.0.0");
    await serveRelease(machine, "1".repeat(64));
    const { step } = await stepOn(machine);
    await assert.rejects(step.install(machine.context), (error) => {
      assert.ok(error instanceof SetupError, String(error));
      assert.match(error.message, /^Cannot get actionlint .*\n +1\. a program on the PATH: .* is 1\.0\.0\./);
      assert.match(error.message, new RegExp(`2\\. the official release: ${archive} has the SHA-256`));
      assert.match(error.message, /3\. a build from source: Go is not on the PATH\./);
      return true;
    });
  });
});
