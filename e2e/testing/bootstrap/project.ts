/** A copy of the bootstrap's project for tests, because Pulumi writes a salt into the config of a new stack. */
import { cp, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";

const root = join(import.meta.dirname, "..", "..", "..");

/** Name of the copy's stack. */
export const stackName = "account";
/** Path of the stack's policy config. */
export const policies = join(root, "infra", "bootstrap", "policies.json");

/** Copies the program into a folder and links the Node packages; returns the path of the bootstrap's project. */
export async function copyProject(folder: string): Promise<string> {
  const project = join(folder, "infra", "bootstrap");
  await cp(join(root, "infra"), join(folder, "infra"), { recursive: true });
  for (const name of ["node_modules", "package.json"]) await symlink(join(root, name), join(folder, name));
  const config = {
    "aws:region": "us-east-1",
    "aws:defaultTags": { tags: { project: "async-video-inference", stack: "bootstrap" } },
    "async-video-bootstrap:repository": "team/videos",
  };
  await writeFile(join(project, `Pulumi.${stackName}.yaml`), stringify({ config }));
  return project;
}
