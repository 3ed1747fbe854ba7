/** The repository's commits, in git. main starts with this clone's current files, including uncommitted ones. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { parseDocument } from "yaml";
import type { Comparison } from "./github.ts";

const run = promisify(execFile);

/** Changes files in a folder with the repository's content. */
export type Edit = (folder: string) => Promise<void>;

/** A git repository in a folder. */
export class Origin {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Creates one. Its first commit has the files of a clone that git does not ignore, changed by `edit`.
   * @param clone root of a git working tree; without it the first commit contains the files that `edit` creates
   */
  static async create(folder: string, clone: string | undefined, edit: Edit): Promise<Origin> {
    const origin = new Origin(folder);
    await mkdir(folder);
    if (clone !== undefined) await copyClone(clone, folder);
    await origin.#git("init", "--quiet", "--initial-branch", "main");
    await edit(folder);
    await origin.#commit("Start");
    return origin;
  }

  /** Opens an existing one. */
  static at(folder: string): Origin {
    return new Origin(folder);
  }

  /** Commits a change to a branch, which starts at main if it is new. Returns the commit. */
  async commit(branch: string, message: string, edit: Edit): Promise<string> {
    const isNew = (await this.#git("branch", "--list", branch)) === "";
    await this.#git("checkout", "--quiet", ...(isNew ? ["-b", branch, "main"] : [branch]));
    await edit(this.#folder);
    return await this.#commit(message);
  }

  /** Merges a branch into main. Returns the merge commit. */
  async merge(branch: string): Promise<string> {
    await this.#git("checkout", "--quiet", "main");
    return await this.#merge(branch);
  }

  /** Returns the merge commit of a branch and main that GitHub would create and test: `refs/pull/N/merge`. */
  async mergeCommit(branch: string): Promise<string> {
    await this.#git("checkout", "--quiet", "--detach", "main");
    return await this.#merge(branch);
  }

  /** Returns the commit of a branch. */
  async commitOf(branch: string): Promise<string> {
    return await this.#git("rev-parse", "--verify", "--quiet", `${branch}^{commit}`);
  }

  /** Checks out a commit, or a branch, into a folder. */
  async checkOut(ref: string, folder: string): Promise<void> {
    const commit = await this.commitOf(ref);
    await run("git", ["clone", "--quiet", "--no-checkout", "--shared", this.#folder, folder]);
    await run("git", ["-C", folder, "checkout", "--quiet", "--detach", commit]);
  }

  /** Returns a folder's files in a commit, by their names. */
  async files(commit: string, folder: string): Promise<Map<string, string>> {
    const names = (await this.#git("ls-tree", "--name-only", commit, `${folder}/`)).split("\n");
    const texts = names.map(async (name): Promise<[string, string]> => [
      basename(name),
      await this.#git("show", `${commit}:${name}`),
    ]);
    return new Map(await Promise.all(texts));
  }

  /** Returns the relation of `head` to `base`. */
  async compare(base: string, head: string): Promise<Comparison> {
    if (base === head) return "identical";
    const fork = await this.#git("merge-base", base, head);
    if (fork === base) return "ahead";
    return fork === head ? "behind" : "diverged";
  }

  async #commit(message: string): Promise<string> {
    await this.#git("add", "--all");
    await this.#git("commit", "--quiet", "--message", message);
    return await this.commitOf("HEAD");
  }

  async #merge(branch: string): Promise<string> {
    await this.#git("merge", "--quiet", "--no-ff", "--message", `Merge ${branch}`, branch);
    return await this.commitOf("HEAD");
  }

  async #git(...args: string[]): Promise<string> {
    const author = ["user.name=Ada", "user.email=ada@example.com", "commit.gpgSign=false", "core.hooksPath=/dev/null"];
    const { stdout } = await run("git", ["-C", this.#folder, ...author.flatMap((each) => ["-c", each]), ...args], {
      maxBuffer: 2 ** 24,
    });
    return stdout.trimEnd();
  }
}

async function copyClone(clone: string, folder: string): Promise<void> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = await run("git", ["-C", clone, ...list], { maxBuffer: 2 ** 24 });
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    const target = join(folder, file);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(clone, file), target).catch((error: unknown) => {
      // Deleted in the working tree, but still in the index.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    });
  }
}

/** Returns an edit that sets keys in the config of stacks, each in its `Pulumi.STACK.yaml`. */
export function setting(stacks: readonly string[], values: Readonly<Record<string, unknown>>): Edit {
  return async (folder) => {
    for (const stack of stacks) {
      const file = join(folder, `Pulumi.${stack}.yaml`);
      const document = parseDocument(await readFile(file, "utf8"));
      for (const [key, value] of Object.entries(values)) document.setIn(["config", key], value);
      await writeFile(file, document.toString());
    }
  };
}
