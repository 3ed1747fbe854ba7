/** Checks another revision of this repository out, ready to run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidInputError, QuotedError } from "../../lib/errors.ts";
import { run } from "../../lib/child-process.ts";

/** Time limit of one command of git, ms. */
const gitLimit = 5 * 60_000;

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
  const git = (args: readonly string[], cwd?: string) =>
    run(["git", ...args], { limit: gitLimit, signal, ...(cwd === undefined ? {} : { cwd }) });
  const parsed = await git(
    ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`],
    repository,
  );
  if (parsed.status !== 0) {
    throw new InvalidInputError(
      `--against ${revision}: git knows no such commit in ${repository}. Give a commit, a branch or a tag.`,
    );
  }
  const commit = parsed.stdout.trim();
  const folder = await mkdtemp(join(tmpdir(), "revision-"));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    for (const args of [
      ["clone", "--quiet", "--shared", "--no-checkout", repository, folder],
      ["-C", folder, "-c", "advice.detachedHead=false", "checkout", "--quiet", commit],
    ]) {
      const { status, stderr } = await git(args);
      if (status !== 0) throw new QuotedError(`git ${args[0] ?? ""} failed:\n${stderr}`);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, revision: commit, [Symbol.asyncDispose]: remove };
}
