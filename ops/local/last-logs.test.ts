import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { keepLogs } from "./last-logs.ts";
import { release, statePaths } from "./local-folder.ts";

describe("the logs of the last run", () => {
  let folder: string;
  let to: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "logs-"));
    to = join(folder, "last-logs");
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Writes a log of some bytes that was changed some seconds after 1970. */
  async function write(file: string, bytes: number, changed: number): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "x".repeat(bytes));
    await utimes(file, changed, changed);
  }

  const kept = async () => (await readdir(to, { recursive: true })).filter((name) => name.endsWith(".log")).sort();

  it("stay when the emulator's data goes, and take the place of an earlier run's", async () => {
    const paths = statePaths(folder);
    await write(join(to, "old.log"), 1, 1);
    await write(join(paths.aws, "logs", "endpoints", "a", "1.log"), 1, 1);
    await write(join(paths.aws, "other.log"), 1, 1);
    await release(paths);
    assert.deepEqual(await kept(), ["endpoints/a/1.log"]);
    assert.deepEqual(await readdir(folder), ["last-logs"]);
  });

  it("are the newest files up to the limit", async () => {
    const from = join(folder, "logs");
    for (const [name, changed] of [
      ["new", 3],
      ["old", 1],
      ["middle", 2],
    ] as const) {
      await write(join(from, `${name}.log`), 40, changed);
    }
    assert.equal(await keepLogs(from, to, 100), true);
    assert.deepEqual(await kept(), ["middle.log", "new.log"]);
  });

  it("are an earlier run's if the last one started no instance", async () => {
    await write(join(to, "old.log"), 1, 1);
    await mkdir(join(folder, "logs"));
    assert.equal(await keepLogs(join(folder, "logs"), to), false);
    assert.equal(await keepLogs(join(folder, "none"), to), false);
    assert.deepEqual(await kept(), ["old.log"]);
  });
});
