/** Reads what a stack's file, Pulumi.NAME.yaml, says; makes no difference between what Pulumi or the program reads of it. */
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";

/** The doctor cannot start; the message says why and what to do. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** What is not in quotes YAML takes for a number, and drops the zeros that it starts with. */
const accountIds = z.array(z.string("write an account's number in quotes")).default([]);

/** The program's namespace in Pulumi's config. */
export const namespace = "async-video-inference";

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

/** A stack as its file describes it. */
export interface StackFile {
  readonly name: string;
  /** The file's name, for messages. */
  readonly file: string;
  /** The project's folder. */
  readonly root: string;
  /** The config's values by their full keys, as Pulumi hands them to the program. */
  readonly values: Readonly<Record<string, string>>;
  readonly region: string | undefined;
  readonly profile: string | undefined;
  readonly allowedAccountIds: readonly string[];
  readonly forbiddenAccountIds: readonly string[];
  /** Whether the provider works in a role that it takes by itself. */
  readonly assumesRole: boolean;
  /** The address of the key of the stack's secrets: `awskms://…`. */
  readonly secretsProvider: string | undefined;
  /** Whether a passphrase encrypts the stack's secrets. */
  readonly hasPassphrase: boolean;
}

/**
 * Reads a stack's file.
 * @throws SetupError if there is none, or if it is no such file
 */
export async function readStackFile(root: string, name: string): Promise<StackFile> {
  const file = `Pulumi.${name}.yaml`;
  const { secretsprovider, encryptionsalt, config } = parsed(file, await textOf(root, file));
  return {
    name,
    file,
    root,
    values: Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    ),
    region: config["aws:region"],
    profile: config["aws:profile"],
    allowedAccountIds: config["aws:allowedAccountIds"],
    forbiddenAccountIds: config["aws:forbiddenAccountIds"],
    assumesRole: "aws:assumeRole" in config || "aws:assumeRoles" in config,
    secretsProvider: secretsprovider,
    hasPassphrase: encryptionsalt !== undefined,
  };
}

async function textOf(root: string, file: string): Promise<string> {
  try {
    return await readFile(join(root, file), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const stacks = readdirSync(root).flatMap((each) => /^Pulumi\.(.+)\.yaml$/.exec(each)?.[1] ?? []);
    throw new SetupError(
      `There is no ${file} in ${root}. Name one of its stacks (${stacks.join(", ") || "there are none"}), ` +
        `or make one: pulumi stack init, and a copy of another stack's file.`,
    );
  }
}

function parsed(file: string, text: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(parse(text));
  } catch (error) {
    if (error instanceof z.ZodError) throw new SetupError(`${file}: ${z.prettifyError(error)}`);
    if (error instanceof YAMLParseError) throw new SetupError(`${file} is no YAML: ${error.message}`);
    throw error;
  }
}
