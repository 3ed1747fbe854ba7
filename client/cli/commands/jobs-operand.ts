/** The file of jobs of status and fetch: an operand, or --manifest. */
import { UsageError } from "../../../lib/errors.ts";
import { stackCommand } from "../session.ts";

/** Starts the definition of a command on a stack that takes a file of jobs. */
export function jobsCommand(name: string, description: string) {
  return stackCommand(name, description)
    .argument("[file]", "job journal, or the output of submit --json; - is standard input")
    .option("--manifest <file>", "the same as the operand");
}

/**
 * Returns the file, if one is named.
 * @throws UsageError if there are two
 */
export function jobsFileOf(command: string, operand: string | undefined, manifest: string | undefined) {
  if (operand !== undefined && manifest !== undefined) throw new UsageError(`${command} takes one file of jobs`);
  return operand ?? manifest;
}
