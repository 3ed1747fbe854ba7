/** Runs the smoke test on a deployed stack in a separate process, as the pipeline does. */
import { stripVTControlCharacters } from "node:util";
import { QuotedError } from "../../lib/errors.ts";
import { lastLine, run } from "../../lib/child-process.ts";
import { repoRoot } from "../../tools/paths.mjs";
import type { Step } from "../../lib/progress.ts";

/** The smoke test failed or could not run. The message is its report. */
export class SmokeTestFailed extends QuotedError {
  override readonly name = "SmokeTestFailed";
}

/** Inputs of the smoke test. */
export interface SmokeTestOptions {
  /** File with the stack's outputs. */
  readonly outputs: string;
  /** Variables with the credentials, in addition to those of this process. */
  readonly environment: Readonly<Record<string, string>>;
  /** The good video. @default the smoke test's */
  readonly video?: string | undefined;
}

/**
 * Resolves when the stack has passed. After an abort, the test cleans up first.
 * @throws SmokeTestFailed, or the signal's reason after an abort
 */
export async function smokeTest(
  { outputs, environment, video }: SmokeTestOptions,
  step: Step,
  signal: AbortSignal,
): Promise<{ passed: number }> {
  const args = [
    "smoke/main.ts",
    "--until-zero",
    "--outputs",
    outputs,
    ...(video === undefined ? [] : ["--video", video]),
  ];
  const show = (line: string): void => {
    const text = stripVTControlCharacters(line).trim();
    if (text !== "") step.detail(text);
  };
  const { status, stdout, stderr } = await run([process.execPath, ...args], {
    // Each of the test's waits has a limit.
    limit: undefined,
    cwd: repoRoot,
    env: { ...process.env, ...environment },
    signal,
    ownGroup: true,
    onOutput: show,
    onError: show,
  });
  const report = stripVTControlCharacters(stdout).trim();
  // Without a report, no test has started. The last line of standard error has the reason.
  if (status !== 0) throw new SmokeTestFailed(report === "" ? (lastLine(stderr) ?? "") : report);
  return { passed: Number(/(\d+) passing/.exec(report)?.[1]) };
}
