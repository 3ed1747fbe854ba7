/** Parsers of the steps' options and of the variables that GitHub sets for every step. */
import { z } from "zod";
import { matching } from "../../lib/command-line.ts";
import { InvalidInputError } from "../../lib/errors.ts";

const plainName = "[a-z][a-z0-9-]{0,19}";
const nameRule = "a lower-case letter, then up to 19 of a-z, 0-9 and -";
const stackNames = new RegExp(`^${plainName}(,${plainName})*$`);

/** Parses the name of a stack of this project; in Pulumi Cloud it may follow the name of the organization. */
export const stackName = matching(new RegExp(`^([\\w.-]+/)?${plainName}$`), `must be a stack's name: ${nameRule}`);

/** Parses names of stacks without organization, separated by commas. */
export function stackList(text: string): string[] {
  return matching(stackNames, `must be names of stacks, each ${nameRule}`)(text).split(",");
}

/** Parses the name of an environment in GitHub's settings. */
export const environmentName = matching(/^[a-z][a-z0-9-]*$/, "must be an environment's name");

const sha = /^[0-9a-f]{40}$/;
const shaRule = "must be a commit's full hash";

/** Parses the full hash of a commit. */
export const commitOption = matching(sha, shaRule);

/** Full hash of a commit, in a variable. */
export const commitSha = z.string().regex(sha, shaRule);

const number = /^[1-9]\d{0,9}$/;
const numberRule = "must be a pull request's number";

/** Parses the number of a pull request. */
export function pullRequestOption(text: string): number {
  return Number(matching(number, numberRule)(text));
}

/** Number of a pull request, in a variable. */
export const pullRequestNumber = z.string().regex(number, numberRule).transform(Number);

/**
 * Reads variables of the environment by their schema. An empty one counts as missing, because GitHub passes unset variables as empty.
 * @throws InvalidInputError that lists the problems
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: NodeJS.ProcessEnv,
): z.infer<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const checked = schema.safeParse(given);
  if (checked.success) return checked.data;
  throw new InvalidInputError(
    `${checked.error.issues.map(({ path, message }) => `the environment variable ${path.join(".")}: ${message}`).join("; ")}.`,
  );
}
