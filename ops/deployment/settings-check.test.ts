import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { repoRoot } from "../../tools/paths.mjs";
import { InvalidInputError } from "../../lib/errors.ts";
import { checkSettings } from "./settings-check.ts";
import { run } from "../testing/commands.ts";

describe("the check of a stack's settings", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "settings-"));
    file = join(folder, "Pulumi.local.yaml");
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const write = (...lines: readonly string[]) =>
    writeFile(file, `config:\n${lines.map((line) => `  async-video-inference:${line}\n`).join("")}`);

  it("passes the stack local as it is, though its artifact is not built yet", async () => {
    await checkSettings({ stack: "local", file: join(repoRoot, "Pulumi.local.yaml") });
  });

  it("names every problem and what to write in the file instead", async () => {
    await write("modelArtifact: model/dist/model.tar.gz", "maxCapacity: many", "maxCapacitie: 1");
    await assert.rejects(checkSettings({ stack: "local", file }), (error) => {
      assert.ok(error instanceof InvalidInputError);
      assert.match(error.message, /has 2 problems:\n {2}- /);
      assert.ok(error.message.includes(`Set it in ${file}: "async-video-inference:maxCapacity: 5"`), error.message);
      assert.ok(error.message.includes(`Remove it from ${file}`), error.message);
      return !error.message.includes("pulumi config");
    });
  });

  it("refuses an artifact that is not there and that no command builds", async () => {
    await write("modelArtifact: other.tar.gz");
    await assert.rejects(checkSettings({ stack: "local", file }), /modelArtifact is "other\.tar\.gz"/);
  });
});

describe("ci:rehearse with settings that are not valid", () => {
  it("ends with status 2 and the options to give instead, before it starts anything", async () => {
    const settings = ["--config", "maxCapacity=many", "--config", "maxCapacitie=1"];
    const { status, stderr } = await run(["ops/main.ts", "rehearse", ...settings]).finished;
    assert.equal(status, 2);
    assert.match(stderr, /^error: The config of stack local has 2 problems:\n/);
    assert.match(stderr, /Set it: --config maxCapacity=5\n/);
    assert.match(stderr, /Leave out --config maxCapacitie\n/);
    assert.doesNotMatch(stderr, /pulumi config|Starting/);
  }).timeout(60_000);
});
