/** Makes a model artifact that no instance can load, for an update that AWS rolls back. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "tar";
import { makeFolder } from "../../lib/files.ts";

/** Error of its handler when it is loaded. */
export const brokenReason = "no such weights";

/** Writes `broken.tar.gz`, whose handler raises {@link brokenReason} at its import, into a folder. Returns its path. */
export async function writeBrokenArtifact(folder: string): Promise<string> {
  const content = join(folder, "broken");
  makeFolder(join(content, "code"));
  await writeFile(join(content, "code", "inference.py"), `raise RuntimeError("${brokenReason}")\n`);
  await writeFile(join(content, "manifest.json"), "{}");
  const file = join(folder, "broken.tar.gz");
  await create({ file, cwd: content, gzip: true }, ["code", "manifest.json"]);
  return file;
}
