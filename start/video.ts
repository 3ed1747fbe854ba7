/** Looks at the given video before anything is started for it. */
import { stat } from "node:fs/promises";
import { MAX_INPUT_BYTES } from "../client/index.ts";
import { UsageError } from "./options.ts";

/** Throws {@link UsageError} where the file cannot be sent at all. Whether it is a video, the model finds out. */
export async function checkVideo(file: string): Promise<void> {
  let size: number;
  try {
    const stats = await stat(file);
    if (!stats.isFile()) {
      throw new UsageError(`${file} is not a file. Give a video file with --video.`);
    }
    size = stats.size;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `There is no video at ${file} (${(error as NodeJS.ErrnoException).code ?? "unreadable"}). Give one with --video.`,
    );
  }
  if (size === 0) {
    throw new UsageError(`${file} is empty. Give a video file with --video.`);
  }
  if (size > MAX_INPUT_BYTES) {
    throw new UsageError(
      `${file} is larger than the 1 GB that an asynchronous endpoint takes. Cut it, or encode it smaller, first.`,
    );
  }
}
