/** Stores artifacts of workflow runs like actions/upload-artifact (v7) and actions/download-artifact (v8): as copies in a folder. */
import { cp, mkdir, readdir, stat } from "node:fs/promises";
import { basename, join, matchesGlob, resolve } from "node:path";
import { z } from "zod";

interface Artifact {
  readonly id: number;
  readonly run: number;
  /** Attempt of the run that uploaded it. Within one attempt, names are unique. */
  readonly attempt: number;
  readonly name: string;
  readonly folder: string;
}

/** The run whose artifacts are used. */
export interface OfRun {
  readonly run: number;
  readonly attempt: number;
}

const uploadInputs = z.strictObject({
  name: z.string().min(1),
  path: z.string().min(1),
  "if-no-files-found": z.enum(["warn", "error", "ignore"]).default("warn"),
  // The retention and the compression do not change a copy.
  "retention-days": z.string().optional(),
  "compression-level": z.string().optional(),
});

const downloadInputs = z
  .strictObject({
    name: z.string().min(1).optional(),
    "artifact-ids": z.string().regex(/^\d+$/, "must be one artifact's number").optional(),
    pattern: z.string().min(1).optional(),
    path: z.string().min(1),
    "merge-multiple": z.enum(["true", "false"]).default("false"),
  })
  .refine(
    (inputs) => [inputs.name, inputs["artifact-ids"], inputs.pattern].filter((each) => each !== undefined).length === 1,
    "needs exactly one of name, artifact-ids and pattern",
  );

/** The artifacts of all runs. */
export class Artifacts {
  readonly #folder: string;
  readonly #all: Artifact[] = [];

  /** @param folder is created if it does not exist */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Stores a copy of a file, or of a folder's content.
   * @returns the action's outputs
   * @throws Error if the path matches nothing and the inputs say so, or if the run already has the name
   */
  async upload(inputs: unknown, workspace: string, { run, attempt }: OfRun): Promise<Record<string, string>> {
    const { name, path: wanted, "if-no-files-found": ifNone } = uploadInputs.parse(inputs);
    if (/[*?[\]\n!]/.test(wanted))
      throw new Error(`upload-artifact: the test does not support patterns in path: ${wanted}`);
    const source = resolve(workspace, wanted);
    const found = await stat(source).catch(() => undefined);
    if (found === undefined) {
      if (ifNone === "error") throw new Error(`No files were found with the provided path: ${wanted}.`);
      return {};
    }
    if (this.#all.some((each) => each.run === run && each.attempt === attempt && each.name === name)) {
      throw new Error(`An artifact with the name ${name} exists in this run`);
    }
    const id = this.#all.length + 1;
    const folder = join(this.#folder, String(id));
    await mkdir(folder, { recursive: true });
    if (found.isDirectory()) {
      // Hidden files are excluded unless include-hidden-files is set.
      await cp(source, folder, {
        recursive: true,
        filter: (from) => from === source || !basename(from).startsWith("."),
      });
    } else {
      await cp(source, join(folder, basename(source)));
    }
    this.#all.push({ id, run, attempt, name, folder });
    return { "artifact-id": String(id) };
  }

  /**
   * Copies artifacts of a run into a folder: one artifact, by its name or its number, directly; those of a pattern each into a
   * folder with its name, unless they are merged.
   * @throws Error if the named artifact does not exist
   */
  async download(inputs: unknown, workspace: string, { run }: Pick<OfRun, "run">): Promise<void> {
    const { name, "artifact-ids": id, pattern, path: to, "merge-multiple": merges } = downloadInputs.parse(inputs);
    const target = resolve(workspace, to);
    await mkdir(target, { recursive: true });
    const newest = new Map(this.#all.filter((each) => each.run === run).map((each) => [each.name, each]));
    if (pattern !== undefined) {
      for (const each of newest.values()) {
        if (!matchesGlob(each.name, pattern)) continue;
        await cp(each.folder, merges === "true" ? target : join(target, each.name), { recursive: true });
      }
      return;
    }
    const found =
      name === undefined ? this.#all.find((each) => each.run === run && each.id === Number(id)) : newest.get(name);
    if (found === undefined)
      throw new Error(`Unable to download artifact: there is no ${name ?? `artifact ${id ?? ""}`} in this run`);
    await cp(found.folder, target, { recursive: true });
  }

  /** Returns the files of a run's newest artifact with a name; none if it does not exist. */
  async filesOf(name: string, run: number): Promise<string[]> {
    const found = this.#all.findLast((each) => each.run === run && each.name === name);
    if (found === undefined) return [];
    return (await readdir(found.folder)).map((file) => join(found.folder, file));
  }
}
