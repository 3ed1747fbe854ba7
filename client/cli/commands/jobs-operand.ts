/** The jobs of status and fetch: files, as operands or with --journal, or ids. */
import type { CommandContext } from "../../../lib/command-line.ts";
import { UsageError } from "../../../lib/errors.ts";
import { readJobs, readRecordedJobs } from "../../src/jobs-file.ts";
import type { KnownJobs } from "../../src/jobs-file.ts";
import { journalOf, manifestOption } from "../journal-option.ts";
import { stackCommand } from "../session.ts";
import type { Session } from "../session.ts";

/** Starts the definition of a command on a stack that takes files of jobs, or their ids. */
export function jobsCommand(name: string, description: string) {
  return stackCommand(name, description)
    .argument("[files...]", "job journals, or outputs of submit --json; - is standard input")
    .option("--journal <file>", "the same as an operand")
    .option("--id <id...>", "instead of a file: the InferenceIds of jobs, which are read from the stack's job records")
    .addOption(manifestOption());
}

/** Jobs that a command line names. */
export type JobsOperand = { readonly files: readonly string[] } | { readonly ids: readonly string[] };

/**
 * Returns the jobs, if the command line names any.
 * @throws UsageError if it names files and ids, or standard input twice
 */
export function jobsOperandOf(
  operands: readonly string[],
  flags: Parameters<typeof journalOf>[0] & { readonly id?: readonly string[] | undefined },
  context: CommandContext,
): JobsOperand | undefined {
  const journal = journalOf(flags, context);
  const files = journal === undefined ? operands : [...operands, journal];
  if (files.filter((file) => file === "-").length > 1)
    throw new UsageError("Use - only once: standard input is read once");
  if (flags.id === undefined) return files.length === 0 ? undefined : { files };
  if (files.length > 0) throw new UsageError("Use either files of jobs or --id, not both");
  if (flags.id.includes("")) throw new UsageError("--id is empty: give the InferenceId of a job");
  return { ids: flags.id };
}

/**
 * Reads the jobs.
 * @throws as {@link readJobs} and {@link readRecordedJobs}
 */
export async function knownJobs(jobs: JobsOperand, { stack, stdin, signal }: Session): Promise<KnownJobs> {
  return "files" in jobs ? await readJobs(jobs.files, stdin) : await readRecordedJobs(stack, jobs.ids, signal);
}
