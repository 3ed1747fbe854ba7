import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { withDenials } from "./denials.ts";
import { release, statePaths } from "./local-folder.ts";
import type { StatePaths } from "./local-folder.ts";

const prefix = "2026-11-30 18:43:19,123 WARNING [iam]";
const denialOf = (action: string): string =>
  `IAM denied ${action}: principal arn:aws:sts::000000000000:assumed-role/caller/test, resource *, policy own, sid Read`;

describe("a failed command on the local stack", () => {
  let paths: StatePaths;
  let log: string;
  let printed: string;

  beforeEach(async () => {
    paths = statePaths(await mkdtemp(join(tmpdir(), "denials-")));
    log = join(paths.aws, "logs", "ministack.log");
    printed = "";
    await mkdir(dirname(log), { recursive: true });
  });

  afterEach(async () => {
    await rm(paths.root, { recursive: true });
  });

  const deny = async (...actions: readonly string[]): Promise<void> => {
    for (const action of actions) await appendFile(log, `${prefix} ${denialOf(action)}\nanother line\n`);
  };
  /** Runs a command that ends with a status, and returns what is printed below its error. */
  const end = async (status: number, work: () => Promise<void>): Promise<string> => {
    const stderr = {
      write(text: string) {
        printed += text;
      },
    };
    const returned = await withDenials(paths.root, stderr, async () => {
      await work();
      return status;
    });
    assert.equal(returned, status);
    return printed;
  };
  const listOf = (...actions: readonly string[]): string =>
    ["Denied on the local stack during this command:", ...actions.map((action) => `  ${denialOf(action)}`), ""].join(
      "\n",
    );

  it("names the policy and the Sid of each denial", async () => {
    assert.equal(await end(1, () => deny("s3:GetObject", "sns:Publish")), listOf("s3:GetObject", "sns:Publish"));
  });

  it("names a repeated denial once", async () => {
    assert.equal(await end(1, () => deny("s3:GetObject", "s3:GetObject")), listOf("s3:GetObject"));
  });

  it("names only the denials during the command", async () => {
    await deny("s3:GetObject");
    assert.equal(await end(1, () => deny("sns:Publish")), listOf("sns:Publish"));
  });

  it("names the denials of an emulator that the command has ended", async () => {
    const work = async (): Promise<void> => {
      await deny("s3:GetObject");
      await release(paths);
    };
    assert.equal(await end(2, work), listOf("s3:GetObject"));
  });

  it("names no denial of an earlier emulator whose data the command has deleted", async () => {
    await deny("s3:GetObject");
    assert.equal(await end(1, () => release(paths)), "");
  });

  it("names up to ten denials", async () => {
    const actions = Array.from({ length: 12 }, (_, index) => `s3:Action${index}`);
    assert.match(await end(1, () => deny(...actions)), /s3:Action9: .*\n {2}and 2 more\n$/);
  });

  it("prints control characters as escapes", async () => {
    assert.doesNotMatch(await end(1, () => writeFile(log, `IAM denied \u001b[2J: policy own\n`)), /\u001b/);
  });

  it("prints nothing more without a denial, or without a stack", async () => {
    assert.equal(await end(1, () => writeFile(log, "another line\n")), "");
    assert.equal(await end(1, () => rm(paths.aws, { recursive: true })), "");
  });

  for (const status of [0, 130]) {
    it(`prints nothing more with the exit status ${status}`, async () => {
      assert.equal(await end(status, () => deny("s3:GetObject")), "");
    });
  }
});
