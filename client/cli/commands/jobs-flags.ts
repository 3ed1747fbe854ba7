/** How status and fetch are told which file names the jobs: as an operand, or with --manifest. */
import { z } from "zod";
import { usage } from "../../src/arguments.ts";

/** What both commands put into their definition. */
export const jobsFlags = {
  help: `  --manifest FILE       the same as FILE
`,
  options: { manifest: { type: "string" } },
  flags: { manifest: z.string().min(1).optional() },
} as const;

/**
 * The one file that is named, if any.
 * @throws SetupError if there is more than one
 */
export function jobsFileOf(command: string, operands: readonly string[], manifest?: string): string | undefined {
  const files = [...operands, ...(manifest === undefined ? [] : [manifest])];
  if (files.length > 1) throw usage(`${command} takes one file of jobs`);
  return files[0];
}
