/** Helpers for tests of the engine's preview with the policy pack. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListEndpointsCommand, ListModelsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { repoRoot } from "../../tools/paths.mjs";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { sharedTestEnvironment } from "./environment.ts";

/** An environment for previews, and an empty folder for their stack. */
export interface PreviewFixture extends AsyncDisposable {
  readonly aws: RunningEmulator;
  readonly folder: string;
  /** Paths of the stack's state in the folder. */
  readonly paths: StatePaths;
}

/** Makes the folder, with the environment that all suites share. */
export async function startPreviews(): Promise<PreviewFixture> {
  const { aws } = await sharedTestEnvironment();
  const folder = await mkdtemp(join(tmpdir(), "previews-"));
  return { aws, folder, paths: statePaths(folder), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** Writes a copy of Pulumi.local.yaml with an additional value into a folder; returns its path. */
export async function localConfigWith(folder: string, key: string, value: string): Promise<string> {
  const text = await readFile(join(repoRoot, "Pulumi.local.yaml"), "utf8");
  const line = `  async-video-inference:${key}: ${value}\n`;
  const file = join(folder, "Pulumi.local.yaml");
  await writeFile(file, text.replace(/^config:\n/m, `config:\n${line}`));
  assert.ok((await readFile(file, "utf8")).includes(line));
  return file;
}

/** @throws an AssertionError if there is a bucket, a model or an endpoint */
export async function assertNothingCreated(aws: RunningEmulator): Promise<void> {
  const config = {
    endpoint: aws.url,
    region: aws.region,
    credentials: aws.credentials,
  };
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const sagemaker = new SageMakerClient(config);
  assert.deepEqual((await s3.send(new ListBucketsCommand({}))).Buckets ?? [], []);
  assert.deepEqual((await sagemaker.send(new ListModelsCommand({}))).Models, []);
  assert.deepEqual((await sagemaker.send(new ListEndpointsCommand({}))).Endpoints, []);
  s3.destroy();
  sagemaker.destroy();
}
