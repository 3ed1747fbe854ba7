/** A model's artifact of a few lines, for tests of the serving stack. */

import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "tar";

/**
 * Packs a handler in the format of SageMaker's PyTorch image.
 * @param folder for the files
 * @param source of code/inference.py
 * @returns model.tar.gz
 */
export async function artifactOf(folder: string, source: string): Promise<Buffer> {
  const root = await mkdtemp(join(folder, "artifact-"));
  await mkdir(join(root, "code"));
  await writeFile(join(root, "code", "inference.py"), source);
  // TorchServe takes a model's only folder for the model itself, so the artifact needs a file next to code/.
  await writeFile(join(root, "weights.pt"), "weights");
  const file = join(root, "model.tar.gz");
  await create({ file, cwd: root, gzip: true }, ["code", "weights.pt"]);
  return await readFile(file);
}
