/** Keeps the logs of the last run's containers when the emulator's data is deleted. */
import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of logs that are kept, the newest files first. */
const limit = 64 * 1024 * 1024;

/** Moves the logs in `from` to `to`, and replaces those of an earlier run. Returns whether there were any. */
export async function keepLogs(from: string, to: string, maxBytes = limit): Promise<boolean> {
  const files = await filesIn(from);
  if (files.length === 0) return false;
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
  let kept = 0;
  for (const { path, bytes } of files.toSorted((one, other) => other.changed - one.changed)) {
    kept += bytes;
    if (kept > maxBytes) await rm(join(to, path));
  }
  return true;
}

/** Lists the files below a folder, by their paths in it; none if the folder is missing. */
async function filesIn(folder: string): Promise<{ path: string; bytes: number; changed: number }[]> {
  let entries;
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const { size, mtimeMs } = await stat(path);
        return { path: path.slice(folder.length + 1), bytes: size, changed: mtimeMs };
      }),
  );
}
