/** Flags of status and fetch that name the file of jobs: an operand, or --manifest. */
import { z } from "zod";
import { usage } from "../../src/arguments.ts";

/** Part of both commands' definitions. */
export const jobsFlags = {
  help: `  --manifest FILE       the same as FILE
`,
  options: { manifest: { type: "string" } },
  flags: { manifest: z.string().min(1).optional() },
} as const;

/**
 * Returns the file, if one is named.
 * @throws SetupError if there is more than one
 */
export function jobsFileOf(command: string, operands: readonly string[], manifest?: string): string | undefined {
  const files = [...operands, ...(manifest === undefined ? [] : [manifest])];
  if (files.length > 1) throw usage(`${command} takes one file of jobs`);
  return files[0];
}
