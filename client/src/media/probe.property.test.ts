/** Tests that damaged containers end a probe, with times or a reason. */
import assert from "node:assert/strict";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import fc from "fast-check";
import { videos, writeMediaFiles } from "../../testing/media-files.ts";
import { probeVideo } from "./probe.ts";

describe("the times of a damaged video", () => {
  it("are known, or unknown for a reason, within the time limit", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "probe-"));
    await writeMediaFiles(folder.path);
    const damage = fc.record({
      name: fc.constantFrom(...Object.keys(videos)),
      at: fc.nat(2000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ name, at, bytes }) => {
        const damaged = new Uint8Array(await readFile(join(folder.path, name)));
        damaged.set(bytes.subarray(0, Math.max(0, damaged.length - at)), Math.min(at, damaged.length));
        const source = {
          bytes: damaged.length,
          read: (from: number, to: number) => Promise.resolve(damaged.slice(from, to)),
        };
        const { duration, keyframes, problem } = await probeVideo(source, { timesOf: () => [0.5], limitSeconds: 5 });
        if (duration === null) assert.ok(problem !== undefined && problem !== "");
        else assert.ok(duration > 0 && keyframes.every((time) => time >= 0));
      }),
      { numRuns: 15 },
    );
  }).timeout(240_000);
});
