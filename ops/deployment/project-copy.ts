/** Copies the Pulumi project into a folder where the engine may write. */
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { repoRoot } from "../../tools/paths.mjs";

/** Files of the program, besides the stack's config. */
const program = ["infra", "node_modules", "package.json"];

/**
 * Makes a folder with the project and a stack's settings. The program's files are links.
 * @param settings path of the stack's settings file
 */
export async function linkProject(folder: string, stack: string, settings: string): Promise<void> {
  await mkdir(folder);
  await copyFile(settings, join(folder, `Pulumi.${stack}.yaml`));
  await copyFile(join(repoRoot, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  for (const name of program) await symlink(join(repoRoot, name), join(folder, name));
}
