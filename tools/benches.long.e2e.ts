/** Every benchmark that package.json names runs, and prints its figures as one JSON object. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { repoRoot } from "./paths.mjs";

const manifest = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = manifest.parse(JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8")));

/** Those that take many minutes run once, without their longest part: here it is about running, not about figures. */
const shorter: Readonly<Record<string, readonly string[]>> = {
  "bench:client": ["--runs", "3"],
  "bench:model": ["--runs", "1", "--coco-runs", "0", "--seconds", "4", "--bodies", "16"],
  "bench:start": ["--runs", "1", "--against", "HEAD"],
};
const longest = 20 * 60_000;

describe("the benchmarks", () => {
  for (const name of Object.keys(scripts).filter((script) => script.startsWith("bench:"))) {
    it(`npm run -s ${name} -- --json`, async () => {
      const { stdout } = await promisify(execFile)(
        "npm",
        ["run", "-s", name, "--", "--json", ...(shorter[name] ?? [])],
        { cwd: repoRoot },
      );
      const figures = z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
      assert.ok(
        Object.values(figures).some((figure) => typeof figure === "number" && Number.isFinite(figure) && figure > 0),
        stdout,
      );
    }).timeout(longest);
  }
});
