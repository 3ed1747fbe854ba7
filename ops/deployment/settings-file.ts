/** Reads a stack's settings file, and writes copies with changed settings. */
import { readFile } from "node:fs/promises";
import { parse, stringify, YAMLParseError } from "yaml";
import { z } from "zod";
import { InvalidInputError } from "../../lib/errors.ts";
import { writeWhole } from "../../lib/files.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";

/** The program's namespace in Pulumi's config. */
export const namespace = "async-video-inference";
/** The setting with the model artifact's path, relative to the project's folder. */
export const artifactKey = `${namespace}:modelArtifact`;
const settingsFile = z.looseObject({ config: z.record(z.string(), z.unknown()) });

/** One setting's new value. */
export interface Setting {
  /** With its namespace. */
  readonly key: string;
  readonly value: unknown;
}

/**
 * Parses `KEY=VALUE`. A key without a namespace is the program's. The value is YAML, as in the file.
 * @throws InvalidInputError
 */
export function parseSetting(text: string): Setting {
  const [, key, value = ""] = /^([\w:.-]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) {
    throw new InvalidInputError(`--config takes KEY=VALUE, not ${JSON.stringify(text)}. --help has an example.`);
  }
  try {
    return { key: key.includes(":") ? key : `${namespace}:${key}`, value: parse(value) as unknown };
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new InvalidInputError(`--config ${text}: the value is no YAML (${error.code}). --help has an example.`);
  }
}

/**
 * Writes `from` with other values to `to`.
 * @throws InvalidInputError if `from` is not a settings file
 */
export async function changeSettings(from: string, to: string, settings: readonly Setting[]): Promise<void> {
  const file = await parseSettings(from);
  for (const { key, value } of settings) file.config[key] = value;
  await writeWhole(to, stringify(file));
}

/**
 * Reads one of the program's settings; undefined if the file does not have it.
 * @throws InvalidInputError if `file` is not a settings file
 */
export async function readSetting(file: string, name: string): Promise<unknown> {
  return (await parseSettings(file)).config[`${namespace}:${name}`];
}

/** Returns a config's values as Pulumi passes them to the program. */
export function textValues(config: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/**
 * Reads a settings file.
 * @throws InvalidInputError if `file` is not one
 */
export async function parseSettings(file: string, shownFile = file): Promise<z.infer<typeof settingsFile>> {
  const content = await readSettings(file);
  const parsed = settingsFile.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    `${shownFile} is not a stack's settings file: ${schemaProblems(content, parsed.error)}.`,
    { hint: "docs/configuration.md lists the settings" },
  );
}

async function readSettings(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, "utf8")) as unknown;
  } catch (error) {
    throw new InvalidInputError(`Cannot read the settings file ${file}: ${(error as Error).message}`);
  }
}
