/** Checks another revision of this repository out, ready to run. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { InvalidInputError } from "../../lib/errors.ts";

const exec = promisify(execFile);

/** A temporary clone; disposing of it removes it. */
export interface Checkout extends AsyncDisposable {
  readonly folder: string;
  /** The commit's full hash. */
  readonly revision: string;
}

/**
 * Clones `repository` at `revision` into a temporary folder.
 * @throws InvalidInputError if the repository has no such revision
 */
export async function checkOut(repository: string, revision: string, signal?: AbortSignal): Promise<Checkout> {
  const commit = await exec("git", ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`], {
    cwd: repository,
  }).then(
    ({ stdout }) => stdout.trim(),
    () => {
      throw new InvalidInputError(
        `--against ${revision}: git knows no such commit in ${repository}. Give a commit, a branch or a tag.`,
      );
    },
  );
  const folder = await mkdtemp(join(tmpdir(), "revision-"));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const options = signal === undefined ? {} : { signal };
    await exec("git", ["clone", "--quiet", "--shared", "--no-checkout", repository, folder], options);
    await exec("git", ["-c", "advice.detachedHead=false", "checkout", "--quiet", commit], { cwd: folder, ...options });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, revision: commit, [Symbol.asyncDispose]: remove };
}
