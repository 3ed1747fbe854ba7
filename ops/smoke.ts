/** Runs the smoke test, a separate program: `ops/` may not import `smoke/`. */
import { join } from "node:path";
import { runInForeground } from "../tools/foreground.mjs";
import { repoRoot } from "../tools/paths.mjs";

/** Runs `smoke/main.ts` with these arguments. Returns its exit status. */
export async function runSmokeTest(args: readonly string[]): Promise<number> {
  return await runInForeground(process.execPath, [join(repoRoot, "smoke", "main.ts"), ...args]);
}
