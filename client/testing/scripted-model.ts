/** For tests: a model whose behaviour depends on a video's first bytes; for any other video it sleeps for a second. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "tar";
import { requestType } from "../src/request-object.ts";

/** Contents of videos for which the model returns no result. */
export const scripts = {
  /** The model raises an exception: the server answers 500. */
  fails: "fail",
  /** The model refuses the file, as the handler does with one that is not a video: 400. */
  refused: "no video",
} as const;

const handler = `
import json
import time

import boto3

def model_fn(model_dir):
    return boto3.client("s3")

def transform_fn(s3, body, content_type, accept, context=None):
    if content_type == "${requestType}":
        bucket, _, key = json.loads(body)["video"].removeprefix("s3://").partition("/")
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
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
  const root = join(folder, "model");
  await mkdir(join(root, "code"), { recursive: true });
  await writeFile(join(root, "code", "inference.py"), handler);
  // TorchServe takes a model's only folder for the model itself, so code/ needs a sibling.
  await writeFile(join(root, "weights.pt"), "none");
  const file = join(folder, "model.tar.gz");
  await create({ file, cwd: root, gzip: true }, ["code", "weights.pt"]);
  return file;
}
