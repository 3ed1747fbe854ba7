/** Checks a stack's settings before anything is started, with the program's own parser. */
import { resolve } from "node:path";
import type { SettingAdvice, StackConfig } from "../../infra/config.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { localArtifact } from "../start/model.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { artifactKey, namespace, parseSettings, textValues } from "./settings-file.ts";
import type { Setting } from "./settings-file.ts";

/** Source of the settings. */
interface SettingsSource {
  readonly stack: string;
  /** The file that is checked. */
  readonly file: string;
  /** The file that messages name: the one that the user wrote. @default file */
  readonly shownFile?: string;
  /** Settings from the command line, which `file` has too. @default none */
  readonly given?: readonly Setting[];
  /** True if the command line takes settings. @default false */
  readonly takesConfig?: boolean;
}

/**
 * Checks the settings in a file, and returns them with the program's defaults.
 * @throws InvalidInputError that lists each problem with its fix
 */
export async function checkSettings(source: SettingsSource): Promise<StackConfig> {
  const { stack, file, shownFile } = source;
  const values = textValues((await parseSettings(file, shownFile)).config);
  // Loaded here, because Pulumi's SDK takes seconds: a command line must be checked first.
  const { ConfigError, parseConfig } = await import("../../infra/config.ts");
  try {
    return parseConfig(withArtifact(values), { namespace, stack, projectRoot: repoRoot, advice: adviceFor(source) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new InvalidInputError(error.message);
  }
}

/** The start builds the local stack's artifact, so any existing file passes the check. */
function withArtifact(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const artifact = values[artifactKey];
  const isBuilt = artifact !== undefined && resolve(repoRoot, artifact) === localArtifact;
  return isBuilt ? { ...values, [artifactKey]: "Pulumi.yaml" } : values;
}

function adviceFor({ file, shownFile = file, given = [], takesConfig = false }: SettingsSource): SettingAdvice {
  const onCommandLine = (key: string): boolean => given.some((setting) => setting.key === key);
  const short = (key: string): string => key.slice(namespace.length + 1);
  return {
    set: (key, example) =>
      takesConfig ? `Set it: --config ${short(key)}=${example}` : `Set it in ${shownFile}: "${key}: ${example}"`,
    remove: (key) => (onCommandLine(key) ? `Leave out --config ${short(key)}` : `Remove it from ${shownFile}`),
  };
}
