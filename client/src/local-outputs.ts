/** Reads the outputs of the stack `local` from Pulumi's state, so that they are current even after a manual update. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { SetupError } from "./errors.ts";

/** Path of the checkpoint in Pulumi's file backend (`ops/local/local-folder.ts` has the backend's folder). */
const checkpoint = join(".local", "pulumi", ".pulumi", "stacks", "async-video-inference", "local.json");

const checkpointSchema = z.object({
  checkpoint: z.object({
    latest: z
      .object({
        resources: z
          .array(z.looseObject({ type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() }))
          .default([]),
      })
      .nullish(),
  }),
});

/**
 * Reads the outputs in the checkpoint; undefined if there is none, as for a stack that is not running.
 * @throws SetupError if the stack has been destroyed, or the checkpoint cannot be read
 */
export async function checkpointOutputs(root: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const file = join(root, checkpoint);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new SetupError(
      `Cannot read ${file} (${codeOf(error)}): start the local stack again (npm run local:down, npm run local:up).`,
    );
  }
  const stack = resourcesIn(text, file).find(({ type }) => type === "pulumi:pulumi:Stack");
  if (stack?.outputs === undefined) {
    throw new SetupError(
      "The stack local has no outputs: it was destroyed, or its update failed. Run pulumi up --stack local in a shell with npm run -s local:env, or npm run local:down and npm run local:up.",
    );
  }
  return stack.outputs;
}

function resourcesIn(text: string, file: string) {
  try {
    return checkpointSchema.parse(JSON.parse(text)).checkpoint.latest?.resources ?? [];
  } catch {
    throw new SetupError(
      `${file} is not a checkpoint of Pulumi: start the local stack again (npm run local:down, npm run local:up).`,
    );
  }
}
