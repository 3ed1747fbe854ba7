/** A stack's settings file with some settings changed: how a command tries a change that no file has yet. */
import { readFile } from "node:fs/promises";
import { parse, stringify, YAMLParseError } from "yaml";
import { z } from "zod";
import { writeWhole } from "../../lib/files.ts";
import { UsageError } from "../options.ts";

/** The program's namespace in Pulumi's config. */
export const namespace = "async-video-inference";
const settingsFile = z.looseObject({ config: z.record(z.string(), z.unknown()) });

/** One setting's new value. */
export interface Setting {
  /** With its namespace. */
  readonly key: string;
  readonly value: unknown;
}

/**
 * Reads `KEY=VALUE` as people write it: without a namespace it is the program's own, and the value is YAML, as in the file.
 * Throws {@link UsageError}.
 */
export function parseSetting(text: string): Setting {
  const [, key, value = ""] = /^([\w:.-]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) {
    throw new UsageError(`--config takes KEY=VALUE, not ${JSON.stringify(text)}. Add --help to see what there is.`);
  }
  try {
    return { key: key.includes(":") ? key : `${namespace}:${key}`, value: parse(value) as unknown };
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new UsageError(`--config ${text}: the value is no YAML (${error.code}). Add --help to see what there is.`);
  }
}

/** Writes `from` with other values to `to`. Throws {@link UsageError} where `from` is no settings file. */
export async function changeSettings(from: string, to: string, settings: readonly Setting[]): Promise<void> {
  const file = await parseSettings(from);
  for (const { key, value } of settings) file.config[key] = value;
  await writeWhole(to, stringify(file));
}

/** Reads one of the program's settings; undefined where the file does not have it. Throws {@link UsageError} where `file` is no settings file. */
export async function readSetting(file: string, name: string): Promise<unknown> {
  return (await parseSettings(file)).config[`${namespace}:${name}`];
}

async function parseSettings(file: string): Promise<z.infer<typeof settingsFile>> {
  const parsed = settingsFile.safeParse(await readSettings(file));
  if (!parsed.success) throw new UsageError(`${file} is not a stack's settings file: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

async function readSettings(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, "utf8")) as unknown;
  } catch (error) {
    throw new UsageError(`Cannot read the settings file ${file}: ${(error as Error).message}`);
  }
}
