import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";

describe("the lock of a job journal", () => {
  it("leaves nothing if it cannot be written", async () => {
    const folder = await mkdtemp(join(tmpdir(), "lock-"));
    const script = `
      import { lockFile } from ${JSON.stringify(new URL("lock.ts", import.meta.url).href)};
      try {
        lockFile(${JSON.stringify(join(folder, "jobs.jsonl"))});
      } catch (error) {
        console.log(error.message);
      }`;
    const node = [process.execPath, "--input-type=module", "--eval", script];
    try {
      // No file may grow: Node gets EFBIG, as it gets ENOSPC on a full disk.
      const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -f 0; exec "$0" "$@"', ...node], { encoding: "utf8" });
      assert.match(stdout, /^Cannot write .*jobs\.jsonl\.lock \(EFBIG\): the limit on the size of files/, stderr);
      assert.deepEqual(await readdir(folder), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
