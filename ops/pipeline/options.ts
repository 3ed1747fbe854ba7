/** Reads a step's flags, and the variables that GitHub sets for every step. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { UsageError } from "./errors.ts";

const plainName = "[a-z][a-z0-9-]{0,19}";
const nameRule = "a lower-case letter, then up to 19 of a-z, 0-9 and -";

/** Name of a stack of this project, after its organization if Pulumi Cloud has one. */
export const stackName = z
  .string()
  .regex(new RegExp(`^([\\w.-]+/)?${plainName}$`), `must be a stack's name: ${nameRule}`);

/** Names of stacks without organization, separated by commas. */
export const stackList = z
  .string()
  .transform((names) => names.split(","))
  .pipe(z.array(z.string().regex(new RegExp(`^${plainName}$`), `must be names of stacks, each ${nameRule}`)));

/** Name of an environment in GitHub's settings. */
export const environmentName = z.string().regex(/^[a-z][a-z0-9-]*$/, "must be an environment's name");

/** Full hash of a commit. */
export const commitSha = z.string().regex(/^[0-9a-f]{40}$/, "must be a commit's full hash");

/**
 * Reads a step's flags by their schema: booleans are switches, all others take a value.
 * @throws UsageError that lists the problems
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
 * Reads variables of the environment by their schema. An empty one counts as missing, because GitHub passes unset variables as empty.
 * @throws UsageError that lists the problems
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
