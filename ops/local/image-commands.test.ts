import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { imageOptions } from "./image-commands.ts";

describe("the setting emulator:images", () => {
  let folder: string;
  const optionsOf = async (setting: string) => {
    const file = join(folder, "Pulumi.local.yaml");
    await writeFile(file, `config:\n  aws:region: us-east-1\n${setting}`);
    return await imageOptions(file);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "images-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("is optional", async () => {
    assert.deepEqual(await optionsOf(""), []);
  });

  it("becomes an option of the emulator for each image", async () => {
    const setting = "  emulator:images:\n    registry/a: python a.py\n    registry/b:2: B=1 ./b\n";
    assert.deepEqual(await optionsOf(setting), [
      "--image",
      "registry/a=python a.py",
      "--image",
      "registry/b:2=B=1 ./b",
    ]);
  });

  for (const [what, setting] of [
    ["a text", "  emulator:images: python a.py\n"],
    ["an image without a command", '  emulator:images:\n    registry/a: ""\n'],
    ["an image with spaces", "  emulator:images:\n    a b: python\n"],
  ] as const) {
    it(`is refused if it is ${what}`, async () => {
      await assert.rejects(optionsOf(setting), { name: "InvalidInputError", message: /^emulator:images in .*yaml: / });
    });
  }
});
