/** Creates the stack of one pull request from the template Pulumi.pr.yaml: `pipeline ephemeral`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import type { Job } from "./job.ts";
import { readEnvironment } from "./options.ts";
import { pulumi } from "./pulumi.ts";

const environment = z.object({
  /** The argument for `pulumi stack init --secrets-provider`; not set with Pulumi Cloud, which has its own provider. */
  PULUMI_SECRETS_PROVIDER: z.string().optional(),
});

const root = join(import.meta.dirname, "..", "..");

/** Returns the name of a pull request's stack. No other stack has such a name, so a step that removes these cannot remove dev or prod. */
export function ephemeralStackOf(pullRequest: number): string {
  return `pr-${pullRequest}`;
}

/**
 * Writes the stack's config file; with `create` also creates the stack if it does not exist.
 * @throws UserError if the stack cannot be created
 */
export async function ephemeral(
  { pullRequest, create }: { readonly pullRequest: number; readonly create: boolean },
  job: Job,
): Promise<void> {
  const { PULUMI_SECRETS_PROVIDER: secretsProvider } = readEnvironment(environment, job.environment);
  const stack = ephemeralStackOf(pullRequest);
  const template = await readFile(join(root, "Pulumi.pr.yaml"), "utf8");
  await writeFile(join(root, `Pulumi.${stack}.yaml`), configOf(stack, template, secretsProvider));
  if (!create) return;
  const { status } = await pulumi(["stack", "select", stack, "--create", ...secretsBy(secretsProvider)], job);
  if (status !== 0) throw new UserError(`The stack ${stack} cannot be created. Pulumi's message is above.`);
}

function secretsBy(provider: string | undefined): string[] {
  return provider === undefined ? [] : ["--secrets-provider", provider];
}

/**
 * Returns the template with the stack's name in its tags. Every job writes the file anew, so it names the secrets provider each time;
 * a new data key is no loss, because such a stack's config has no secrets.
 */
export function configOf(stack: string, template: string, secretsProvider: string | undefined): string {
  const document = parseDocument(template);
  document.setIn(["config", "aws:defaultTags", "tags", "stack"], stack);
  if (secretsProvider !== undefined) document.set("secretsprovider", secretsProvider);
  return document.toString();
}
