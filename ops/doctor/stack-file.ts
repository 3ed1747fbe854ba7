/** Reads a stack's file, Pulumi.NAME.yaml: the keys of both Pulumi and the program. */
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { textValues } from "../deployment/settings-file.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";

/** YAML reads an account's number without quotes as a number, and drops its leading zeros. */
const accountIds = z.array(z.string("write an account's number in quotes")).default([]);

const fileSchema = z.object({
  secretsprovider: z.string().optional(),
  encryptionsalt: z.string().optional(),
  config: z
    .looseObject({
      "aws:region": z.string().optional(),
      "aws:profile": z.string().optional(),
      "aws:allowedAccountIds": accountIds,
      "aws:forbiddenAccountIds": accountIds,
    })
    .prefault({}),
});

/** A stack as described by its file. */
export interface StackFile {
  readonly name: string;
  /** The file's name, for messages. */
  readonly file: string;
  /** The project's folder. */
  readonly root: string;
  /** The config's values by their full keys, as Pulumi passes them to the program. */
  readonly values: Readonly<Record<string, string>>;
  readonly region: string | undefined;
  readonly profile: string | undefined;
  readonly allowedAccountIds: readonly string[];
  readonly forbiddenAccountIds: readonly string[];
  /** True if the provider assumes a role. */
  readonly assumesRole: boolean;
  /** The address of the key of the stack's secrets: `awskms://…`. */
  readonly secretsProvider: string | undefined;
  /** True if a passphrase encrypts the stack's secrets. */
  readonly hasPassphrase: boolean;
}

/**
 * Reads a stack's file.
 * @param missing the content of a missing file
 * @throws InvalidInputError if it does not exist or is not valid
 */
export async function readStackFile(root: string, name: string, missing?: "{}"): Promise<StackFile> {
  const file = `Pulumi.${name}.yaml`;
  const { secretsprovider, encryptionsalt, config } = parsed(file, await textOf(root, file, missing));
  return {
    name,
    file,
    root,
    values: textValues(config),
    region: config["aws:region"],
    profile: config["aws:profile"],
    allowedAccountIds: config["aws:allowedAccountIds"],
    forbiddenAccountIds: config["aws:forbiddenAccountIds"],
    assumesRole: "aws:assumeRole" in config || "aws:assumeRoles" in config,
    secretsProvider: secretsprovider,
    hasPassphrase: encryptionsalt !== undefined,
  };
}

async function textOf(root: string, file: string, missing: string | undefined): Promise<string> {
  try {
    return await readFile(join(root, file), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    if (missing !== undefined) return missing;
    const names = readdirSync(root).flatMap((each) => /^Pulumi\.(.+)\.yaml$/.exec(each)?.[1] ?? []);
    // Pulumi.pr.yaml is the template of the stacks of pull requests.
    const stacks = names.filter((each) => each !== "pr");
    throw new InvalidInputError(
      `${file} does not exist in ${root}. Name one of the project's stacks (${stacks.join(", ") || "there are none"}), ` +
        `or create one: pulumi stack init, and a copy of another stack's file.`,
    );
  }
}

function parsed(file: string, text: string): z.infer<typeof fileSchema> {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    if (error instanceof YAMLParseError) throw new InvalidInputError(`${file} is not valid YAML: ${error.message}`);
    throw error;
  }
  const checked = fileSchema.safeParse(content);
  if (checked.success) return checked.data;
  throw new InvalidInputError(`${file} is not a stack's settings file: ${schemaProblems(content, checked.error)}.`, {
    hint: "docs/configuration.md lists the settings",
  });
}
