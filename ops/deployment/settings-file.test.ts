/** Settings given on a command line, in the place of those of a file. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { parse } from "yaml";
import { InvalidInputError } from "../../lib/errors.ts";
import { changeSettings, parseSetting } from "./settings-file.ts";

describe("a setting on the command line", () => {
  for (const [text, key, value] of [
    ["maxCapacity=1", "async-video-inference:maxCapacity", 1],
    ["instanceType=ml.g5.xlarge", "async-video-inference:instanceType", "ml.g5.xlarge"],
    ["aws:region=eu-west-1", "aws:region", "eu-west-1"],
    ["operationsEmails=[ops@example.com]", "async-video-inference:operationsEmails", ["ops@example.com"]],
    ["image=a.b/c:d=e", "async-video-inference:image", "a.b/c:d=e"],
  ] as const) {
    it(`${text} is read as the file would be`, () => {
      assert.deepEqual(parseSetting(text), { key, value });
    });
  }

  for (const text of ["maxCapacity", "=1", "rollbackAlarms=[a"]) {
    it(`${text} is refused`, () => {
      assert.throws(() => parseSetting(text), InvalidInputError);
    });
  }
});

describe("a settings file with changes", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "settings-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("keeps all else", async () => {
    const [from, to] = [join(folder, "from.yaml"), join(folder, "to.yaml")];
    await writeFile(
      from,
      "encryptionsalt: v1:x\nconfig:\n  aws:region: us-east-1\n  async-video-inference:maxCapacity: 2\n",
    );
    await changeSettings(from, to, [parseSetting("maxCapacity=1"), parseSetting("minCapacity=1")]);
    assert.deepEqual(parse(await readFile(to, "utf8")), {
      encryptionsalt: "v1:x",
      config: {
        "aws:region": "us-east-1",
        "async-video-inference:maxCapacity": 1,
        "async-video-inference:minCapacity": 1,
      },
    });
  });

  it("is not made of a file that is missing, or is something else", async () => {
    const [other, to] = [join(folder, "other.yaml"), join(folder, "to.yaml")];
    await assert.rejects(changeSettings(join(folder, "none.yaml"), to, []), InvalidInputError);
    await writeFile(other, "a list: [1]\n");
    await assert.rejects(changeSettings(other, to, []), /other\.yaml is not a stack's settings file/);
    await writeFile(other, "a: b: c\n");
    await assert.rejects(changeSettings(other, to, []), InvalidInputError);
  });
});
