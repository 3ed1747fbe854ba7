/** Tests that the benchmark's copy of the emulator decides nothing. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ministackPython, repoRoot } from "../../tools/paths.mjs";
import { removeEnforcement } from "./enforcement.ts";

describe("a copy of the emulator without enforcement", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "enforcement-"));
    await cp(join(repoRoot, "emulator", "iam"), join(folder, "emulator", "iam"), { recursive: true });
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("allows every call of the emulator's own services, without the launcher", async () => {
    await removeEnforcement(folder);
    const module = (await import(pathToFileURL(join(folder, "emulator", "iam", "authorizer.ts")).href)) as {
      LauncherAuthorizer: new (launcher: object) => { authorize(request: object): Promise<object> };
    };
    assert.deepEqual(await new module.LauncherAuthorizer({}).authorize({}), { allowed: true, message: "" });
  });

  it("allows every call of MiniStack's services", async function () {
    this.timeout(30_000);
    await removeEnforcement(folder);
    const code = "import enforcement as e; print(e.enforce('key', 's3:GetObject'), e.decide(None, 'a', '*').allowed)";
    const env = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret", LAUNCHER_TOKEN: "token" };
    const cwd = join(folder, "emulator", "iam");
    const account = { MINISTACK_ACCOUNT_ID: "000000000000", MINISTACK_REGION: "us-east-1" };
    const { stdout } = await promisify(execFile)(ministackPython, ["-c", code], { cwd, env: { ...env, ...account } });
    assert.match(stdout, /^None True$/m);
  });

  it("is refused if the emulator decides elsewhere", async () => {
    await writeFile(join(folder, "emulator", "iam", "authorizer.ts"), "export {};\n");
    await assert.rejects(removeEnforcement(folder), /authorizer\.ts has no "class LauncherAuthorizer"/);
  });
});
