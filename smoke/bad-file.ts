/**
 * The bad file of the smoke test, and the handler's answer to it: `model/tests/test_bad_files.py` compares it with the
 * handler.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const schema = z.object({ content: z.string().min(1), reason: z.string().min(1) });

/** A file that is not a video. */
export type BadFile = Readonly<z.infer<typeof schema>>;

/** Reads the file's content and the handler's error message for it. */
export function readBadFile(): BadFile {
  const file = join(import.meta.dirname, "..", "model", "samples", "no-video.json");
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/**
 * Tells whether a failure's reason comes from the handler. SageMaker puts the handler's answer into a sentence of a
 * form that AWS does not document; that sentence also names the log group, which has "video" in it.
 */
export function isHandlersReason(failure: string, { reason }: BadFile): boolean {
  return failure.includes(reason);
}
