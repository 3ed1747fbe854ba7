/** Reads what a step is given: its flags, and the variables that GitHub sets for every step. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { UsageError } from "./errors.ts";

/** Names of stacks as Pulumi takes them, with their organization where they have one. */
export const stackName = z.string().regex(/^([\w.-]+\/)?[\w.-]{1,100}$/, "must be a stack's name");

/**
 * Reads a step's flags by their schema: booleans are switches, everything else takes a value.
 * @throws UsageError that lists what is wrong
 */
export function readFlags<Shape extends z.ZodRawShape>(
  args: readonly string[],
  schema: z.ZodObject<Shape>,
): z.infer<z.ZodObject<Shape>> {
  const options = Object.fromEntries(
    Object.entries<z.core.$ZodType>(schema.shape).map(([name, type]) => [
      name,
      { type: z.safeParse(type, true).success ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  let values: Readonly<Record<string, unknown>>;
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\. |\n/)[0] ?? "");
  }
  return check(values, schema, (name) => `--${name}`);
}

/**
 * Reads variables of the environment by their schema; an empty one counts as none, as GitHub makes it of a variable that nobody set.
 * @throws UsageError that lists what is wrong
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: NodeJS.ProcessEnv,
): z.infer<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  return check(given, schema, (name) => `the environment variable ${name}`);
}

function check<Shape extends z.ZodRawShape>(
  values: unknown,
  schema: z.ZodObject<Shape>,
  named: (name: string) => string,
): z.infer<z.ZodObject<Shape>> {
  const checked = schema.safeParse(values);
  if (checked.success) return checked.data;
  throw new UsageError(
    checked.error.issues.map(({ path, message }) => `${named(path.join("."))}: ${message}`).join("; "),
  );
}
