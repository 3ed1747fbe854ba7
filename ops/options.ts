/** Reads the command line of `npm start`, of the `local:` commands and of the rehearsal. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { weightsNames } from "./start/model.ts";

/** The command line is wrong; the message says how, and where the help is. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const wholeNumber = (name: string, least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `--${name} takes a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `--${name} takes a whole number from ${least} to ${most}`);

const schema = z.object({
  video: z.string().optional(),
  weights: z.enum(weightsNames, `--weights takes ${weightsNames.join(" or ")}`).optional(),
  /** Each KEY=VALUE. */
  config: z.array(z.string()).optional(),
  "config-file": z.string().optional(),
  speed: wholeNumber("speed", 1, 3600).optional(),
  port: wholeNumber("port", 1, 65535).optional(),
  keep: z.boolean().default(false),
  json: z.boolean().default(false),
  help: z.boolean().default(false),
});

/** All options; each command takes those that it names. */
export type StartOptions = z.infer<typeof schema>;

const flags = {
  video: { type: "string" },
  weights: { type: "string" },
  config: { type: "string", multiple: true },
  "config-file": { type: "string" },
  speed: { type: "string" },
  port: { type: "string" },
  keep: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** What Node's parser found wrong, without a full stop: its first sentence; the next ones are about the parser itself. */
export function problemOf(error: unknown): string {
  return (error as Error).message.split(/\.(?: |$)|\n/)[0] ?? "";
}

/** Parses `args`, of which only the flags named in `allowed` may appear. Throws {@link UsageError}. */
export function parseOptions(
  args: readonly string[],
  allowed: readonly (keyof typeof flags)[] = ["video", "weights", "speed", "port", "keep", "json"],
): StartOptions {
  let values: Record<string, unknown>;
  try {
    const options = Object.fromEntries(
      Object.entries(flags).filter(([name]) => name === "help" || allowed.includes(name as keyof typeof flags)),
    );
    values = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(`${problemOf(error)}. Add --help to see what there is.`);
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    throw new UsageError(
      `${parsed.error.issues.map((issue) => issue.message).join("; ")}. Add --help to see what there is.`,
    );
  }
  return parsed.data;
}
