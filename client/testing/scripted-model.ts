/** For tests: a model that does what a video's first bytes tell it to, and sleeps for a second instead of looking at any other one. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { create } from "tar";

/** The bodies of videos that the model does not answer with a result. */
export const scripts = {
  /** The model raises an exception: the server answers 500. */
  fails: "fail",
  /** The model refuses the file, as the handler does with one that is no video: 400. */
  refused: "no video",
} as const;

const handler = `
import time

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept, context=None):
    if bytes(body) == b"${scripts.fails}":
        raise ValueError("told to fail")
    if bytes(body) == b"${scripts.refused}":
        context.set_response_status(400, "Bad Request")
        return '{"error": "no video"}', accept
    time.sleep(1)
    return '{"slept": 1}', accept
`;

/** Packs the model in a folder and returns the artifact's path. */
export async function packScriptedModel(folder: string): Promise<string> {
  const root = path.join(folder, "model");
  await mkdir(path.join(root, "code"), { recursive: true });
  await writeFile(path.join(root, "code", "inference.py"), handler);
  // TorchServe takes a model's only folder for the model itself, so that there must be something next to code/.
  await writeFile(path.join(root, "weights.pt"), "none");
  const file = path.join(folder, "model.tar.gz");
  await create({ file, cwd: root, gzip: true }, ["code", "weights.pt"]);
  return file;
}
