import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { actionlintVersion as version } from "../paths.mjs";
import { Machine } from "../testing/machine.ts";
import { actionlintProgram } from "./actionlint.mjs";
import { SetupError } from "./errors.mjs";

const archive = `actionlint_${version}_${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}.tar.gz`;

async function stepOn(machine: Machine) {
  const checksums = join(machine.folder, "checksums.txt");
  if (!existsSync(checksums)) await writeFile(checksums, `# none\n`);
  const root = join(machine.cache, "actionlint", version);
  const step = actionlintProgram({ version, root, cacheRoot: machine.cache, module: machine.folder });
  return { step, executable: join(root, "actionlint") };
}

/** A curl that serves the release, its recorded SHA-256, and a tar. */
async function release(machine: Machine, checksum?: string): Promise<void> {
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

const say = (file: string) => execFileSync(file, ["-version"], { encoding: "utf8", env: {} }).trim();

describe("actionlint", () => {
  it("is the one on the PATH where that has the pinned version", async () => {
    await using machine = await Machine.create();
    await machine.command("actionlint", `echo ${version}; echo built by someone`);
    const { step, executable } = await stepOn(machine);
    assert.equal(step.isReady(), false);
    await step.install(machine.context);
    assert.match(say(executable), /built by someone/);
    assert.equal(step.isReady(), true);
  });

  it("is else the official release, the program alone", async () => {
    await using machine = await Machine.create();
    await machine.command("actionlint", "echo 1.0.0");
    await release(machine);
    const { step, executable } = await stepOn(machine);
    await step.install(machine.context);
    assert.equal(say(executable), "released");
    assert.ok(!existsSync(join(executable, "..", "LICENSE.txt")));
  });

  it("is else built from the pinned source, as where no SHA-256 of a release is recorded", async () => {
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
    assert.equal(say(executable), "built");
  });

  it("that is not to be had is one message with all three ways, and why each failed", async () => {
    await using machine = await Machine.create();
    await machine.command("actionlint", "echo 1.0.0");
    await release(machine, "1".repeat(64));
    const { step } = await stepOn(machine);
    await assert.rejects(step.install(machine.context), (error) => {
      assert.ok(error instanceof SetupError, String(error));
      assert.match(error.message, /^There is no way to actionlint .*\n +1\. one on the PATH: .* is 1\.0\.0\./);
      assert.match(error.message, new RegExp(`2\\. the official release: ${archive} has the SHA-256`));
      assert.match(error.message, /3\. a build from source: Go is not on the PATH\./);
      return true;
    });
  });
});
