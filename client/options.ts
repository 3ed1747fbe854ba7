/** The client's command line: its help, its flags, and what they may be. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { SetupError } from "./errors.ts";

/** What `--help` prints. */
export const help = `Usage: npm run submit -- FILE… [options]
       node client/main.ts COMMAND [options]

Commands
  submit FILE…    upload videos, hand each to the endpoint, print the jobs
  status [JOBS]   how the endpoint stands and, given a file of jobs, how each job stands
  fetch JOBS      bring results down, checked against the model's schema

JOBS is a file with what submit --json printed, one job per line; - is standard input.

Options
  --stack NAME       the stack; "local" is the local AWS's (default: local)
  --outputs FILE     instead of --stack: what pulumi stack output --json printed
  --wait             submit: wait for each job's end, fetch and check its result
  --limit SECONDS    submit --wait: stop waiting after this long; the jobs go on (default: until each has ended or expired)
  --ttl SECONDS      submit: how long a job may wait in the queue, 60..21600 (default: 21600)
  --timeout SECONDS  submit: how long one run may take, 1..3600 (default: 900)
  --to FOLDER        fetch: where results go (default: out)
  --json             print JSON lines: submit prints a job when it is accepted and, with --wait, again when it has ended
  --help             this text

Exit status: 0 all well; 1 a job failed, expired, has not ended, or its result is wrong; 2 wrong usage or something
on this machine is missing; 130 interrupted.
`;

const seconds = (flag: string, least: number, most: number) =>
  z.coerce
    .number()
    .int()
    .min(least)
    .max(most)
    .optional()
    .catch(() => {
      throw new SetupError(`--${flag} takes whole seconds from ${least} to ${most}.`);
    });

const stackFlags = {
  stack: z.string().min(1).optional(),
  outputs: z.string().min(1).optional(),
  json: z.boolean().default(false),
};

const commandSchemas = {
  submit: z.strictObject({
    ...stackFlags,
    wait: z.boolean().default(false),
    limit: seconds("limit", 1, 7 * 24 * 3600),
    ttl: seconds("ttl", 60, 21_600),
    timeout: seconds("timeout", 1, 3600),
  }),
  status: z.strictObject(stackFlags),
  fetch: z.strictObject({ ...stackFlags, to: z.string().min(1).default("out") }),
};

/** A command with its operands and flags. */
export type Command =
  | { readonly command: "help" }
  | {
      readonly command: "submit";
      readonly files: readonly string[];
      readonly flags: z.infer<typeof commandSchemas.submit>;
    }
  | {
      readonly command: "status";
      readonly jobs: string | undefined;
      readonly flags: z.infer<typeof commandSchemas.status>;
    }
  | { readonly command: "fetch"; readonly jobs: string; readonly flags: z.infer<typeof commandSchemas.fetch> };

/**
 * Reads the command line (without the program's name).
 * @throws SetupError that says what is wrong with it
 */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = split(args);
  if (values["help"] === true) return { command: "help" };
  const [command, ...operands] = positionals;
  switch (command) {
    case "submit": {
      if (operands.length === 0) throw usage("submit needs at least one FILE");
      return { command, files: operands, flags: check(command, commandSchemas.submit, values) };
    }
    case "status": {
      if (operands.length > 1) throw usage("status takes one file of jobs");
      return { command, jobs: operands[0], flags: check(command, commandSchemas.status, values) };
    }
    case "fetch": {
      const [jobs, ...more] = operands;
      if (jobs === undefined || more.length > 0) throw usage("fetch needs one file of jobs");
      return { command, jobs, flags: check(command, commandSchemas.fetch, values) };
    }
    default:
      throw usage(command === undefined ? "a command is missing" : `there is no command ${command}`);
  }
}

function split(args: readonly string[]): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        stack: { type: "string" },
        outputs: { type: "string" },
        wait: { type: "boolean" },
        limit: { type: "string" },
        ttl: { type: "string" },
        timeout: { type: "string" },
        to: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message.replace(/\. .*$/s, "") : String(error));
  }
}

function check<Flags extends { stack?: string | undefined; outputs?: string | undefined }>(
  command: string,
  schema: z.ZodType<Flags>,
  values: Readonly<Record<string, unknown>>,
): Flags {
  const checked = schema.safeParse(values);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    if (issue?.code === "unrecognized_keys") throw usage(`${command} has no option --${issue.keys.join(", --")}`);
    throw usage(`--${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong"}`);
  }
  if (checked.data.stack !== undefined && checked.data.outputs !== undefined) {
    throw usage("--stack and --outputs say the same thing: give one");
  }
  return checked.data;
}

function usage(problem: string): SetupError {
  return new SetupError(`${problem}; --help shows what there is.`);
}
