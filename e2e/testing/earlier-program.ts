/** Copies of the program with parts of earlier versions. */
import assert from "node:assert/strict";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { repoRoot } from "../../tools/paths.mjs";

/** A text of a file in `infra/`, and the text that an earlier version had instead. */
export interface Replacement {
  readonly file: string;
  readonly current: string;
  readonly previous: string;
}

/** Copies the program with replaced texts into a new folder `earlier`; returns the folder. */
export async function earlierProgram(folder: string, replacements: readonly Replacement[]): Promise<string> {
  const project = join(folder, "earlier");
  await cp(join(repoRoot, "infra"), join(project, "infra"), { recursive: true });
  for (const name of ["package.json", "Pulumi.yaml"]) await cp(join(repoRoot, name), join(project, name));
  await symlink(join(repoRoot, "node_modules"), join(project, "node_modules"));
  for (const { file, current, previous } of replacements) {
    const path = join(project, "infra", file);
    const source = await readFile(path, "utf8");
    assert.ok(source.includes(current), `${file} does not contain ${current}`);
    await writeFile(path, source.replace(current, previous));
  }
  return project;
}
