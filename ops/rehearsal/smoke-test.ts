/** Runs the smoke test on a deployed stack, as a process of its own, as the pipeline does. */
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { QuotedError } from "../../lib/errors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import type { Step } from "../../lib/progress.ts";

/** The smoke test failed, or could not run; the message is its report. */
export class SmokeTestFailed extends QuotedError {
  override readonly name = "SmokeTestFailed";
}

/** What to test. */
export interface SmokeTestOptions {
  /** A file with the stack's outputs. */
  readonly outputs: string;
  /** The good video. @default the smoke test's own */
  readonly video?: string | undefined;
}

/** Resolves when the stack has passed. Throws {@link SmokeTestFailed}; an abort lets the test tidy up and throws the signal's reason. */
export async function smokeTest(
  { outputs, video }: SmokeTestOptions,
  step: Step,
  signal: AbortSignal,
): Promise<{ passed: number }> {
  signal.throwIfAborted();
  const args = ["smoke/main.ts", "--outputs", outputs, ...(video === undefined ? [] : ["--video", video])];
  const child = spawn(process.execPath, args, {
    cwd: repoRoot,
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own: Ctrl-C reaches this process alone, which passes it on.
    detached: true,
  });
  const stop = (): void => {
    child.kill("SIGTERM");
  };
  signal.addEventListener("abort", stop);
  let report = "";
  let words = "";
  const listen = (text: string): void => {
    const last = stripVTControlCharacters(text).trim().split("\n").at(-1);
    if (last !== undefined && last !== "") step.detail(last.trim());
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    report += text;
    listen(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words += text;
    listen(text);
  });
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    const said = stripVTControlCharacters(report).trim();
    // Without a report it did not come as far as its first test; the last line says why.
    if (status !== 0) throw new SmokeTestFailed(said === "" ? (words.trim().split("\n").at(-1) ?? "") : said);
    return { passed: Number(/(\d+) passing/.exec(said)?.[1]) };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
