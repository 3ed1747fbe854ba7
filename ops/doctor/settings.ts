/** A stack's settings, as the program reads them from the stack's file. */
import { ConfigError, parseConfig } from "../../infra/config.ts";
import type { StackConfig } from "../../infra/config.ts";
import { artifactKey, namespace } from "../deployment/settings-file.ts";
import type { StackFile } from "./stack-file.ts";

/**
 * Returns the settings, with any file as the artifact, which a separate check examines.
 * @throws {Error} that is not of the settings
 */
export function readSettings({ root, name, values }: StackFile): StackConfig | ConfigError {
  const present = artifactKey in values ? { ...values, [artifactKey]: "Pulumi.yaml" } : values;
  try {
    return parseConfig(present, { namespace, stack: name, projectRoot: root });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
