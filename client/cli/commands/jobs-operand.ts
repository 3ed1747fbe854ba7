/** The file of jobs of status and fetch: an operand, or --journal. */
import type { CommandContext } from "../../../lib/command-line.ts";
import { UsageError } from "../../../lib/errors.ts";
import { journalOf, manifestOption } from "../journal-option.ts";
import { stackCommand } from "../session.ts";

/** Starts the definition of a command on a stack that takes a file of jobs. */
export function jobsCommand(name: string, description: string) {
  return stackCommand(name, description)
    .argument("[file]", "job journal, or the output of submit --json; - is standard input")
    .option("--journal <file>", "the same as the operand")
    .addOption(manifestOption());
}

/**
 * Returns the file, if one is named.
 * @throws UsageError if there are two
 */
export function jobsFileOf(
  command: string,
  operand: string | undefined,
  flags: Parameters<typeof journalOf>[0],
  context: CommandContext,
): string | undefined {
  const journal = journalOf(flags, context);
  if (operand !== undefined && journal !== undefined) throw new UsageError(`${command} takes one file of jobs`);
  return operand ?? journal;
}
