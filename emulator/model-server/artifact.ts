/** Fetches model data from S3, unpacks archives, and copies the files for each instance. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { constants, createWriteStream, existsSync } from "node:fs";
import { cp, readdir, readlink, realpath, rename, rm } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { makeFolder } from "../../lib/files.ts";
import { fullDiskLine } from "../../lib/remedies.ts";
import { isAccessDenied } from "../aws-ports.ts";
import type { ObjectStore } from "../aws-ports.ts";
import type { S3Location } from "../s3-location.ts";
import type { ModelData } from "../services/sagemaker/model-data.ts";

/** The artifact does not exist or cannot be unpacked. */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
}

/** A file of the model data: its object, and its path in the model's folder; an archive has no path. */
interface ModelFile {
  readonly location: S3Location;
  readonly path: string;
  readonly etag: string;
}

/** Number of objects that are read at the same time. */
const parallelReads = 8;

/** Model data that was downloaded, by its location and entity tags. */
export class ArtifactCache {
  readonly #folder: string;
  readonly #fetching = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Writes the current model data, unpacked, into a folder that it creates.
   * @param objects S3, as the execution role calls it
   * @throws {ArtifactError}
   */
  async unpack(data: ModelData, into: string, objects: ObjectStore): Promise<void> {
    // Copied and not linked: an instance may write to its model's files. If the file system can, a copy shares its
    // blocks.
    await cp(await this.#treeOf(data, objects), into, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
  }

  /** Returns the folder with the model's files. */
  async #treeOf(data: ModelData, objects: ObjectStore): Promise<string> {
    // Each start needs the permissions, even if the files are here already.
    const files = await filesOf(data, objects);
    const hash = createHash("sha256").update(JSON.stringify([data.url, data.form, files]));
    const path = join(this.#folder, hash.digest("hex").slice(0, 32));
    let fetching = this.#fetching.get(path);
    if (fetching === undefined) {
      fetching = this.#fetch(data, files, path, objects).finally(() => this.#fetching.delete(path));
      this.#fetching.set(path, fetching);
    }
    return await fetching;
  }

  async #fetch(
    { url, form }: ModelData,
    files: readonly ModelFile[],
    path: string,
    objects: ObjectStore,
  ): Promise<string> {
    if (existsSync(path)) return path;
    const partial = `${path}.partial`;
    makeFolder(partial);
    try {
      await inParallel(files, async (file, signal) => {
        const content = await unlessDenied(objects.get(file.location));
        if (content === undefined) throw new ArtifactError(notDownloaded(url));
        if (form === "archive") await untar(url, content.body, partial);
        else await download(url, content.body, join(partial, file.path), signal);
      });
      await checkEntries(url, partial);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
    return path;
  }
}

/**
 * Returns the files of the model data, which the role may read.
 * @throws {ArtifactError} if there are none, or if their names are invalid
 */
async function filesOf({ url, location, form }: ModelData, objects: ObjectStore): Promise<readonly ModelFile[]> {
  const { bucket, key } = location;
  const listed = form === "prefix" ? ((await unlessDenied(objects.list(location))) ?? []) : [{ key, etag: "" }];
  if (listed.length === 0) throw new ArtifactError(notDownloaded(url));
  const files: ModelFile[] = [];
  await inParallel(listed, async ({ key: name }) => {
    const place = { bucket, key: name };
    const info = await unlessDenied(objects.head(place));
    if (info === undefined) throw new ArtifactError(notDownloaded(url));
    const path =
      form === "archive" ? "" : form === "prefix" ? name.slice(key.length) : name.slice(name.lastIndexOf("/") + 1);
    files.push({ location: place, path, etag: info.etag });
  });
  if (form !== "archive") checkNames(url, new Set(files.map(({ path }) => path)));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Checks the rules for names of files. Source: API reference, S3ModelDataSource, CompressionType.
 * @throws {ArtifactError}
 */
function checkNames(url: string, paths: ReadonlySet<string>): void {
  for (const path of paths) {
    const names = path.split("/");
    const wrong = names.find(
      (name) =>
        name.trim() === "" || name === "." || name === ".." || name.includes("\0") || Buffer.byteLength(name) > 255,
    );
    if (wrong !== undefined) {
      throw new ArtifactError(
        `The model data at ${url} has the object ${JSON.stringify(path)}, whose part ${JSON.stringify(wrong)} cannot be the name of a file or a folder. Remove or rename the object.`,
      );
    }
    const clash = names.map((_, index) => names.slice(0, index).join("/")).find((folder) => paths.has(folder));
    if (clash !== undefined) {
      throw new ArtifactError(
        `The model data at ${url} has the objects ${JSON.stringify(clash)} and ${JSON.stringify(path)}: the first is a file and a folder. Rename one of them.`,
      );
    }
  }
}

/**
 * Does work on each item. After the first failure no more work starts; that under way gets an aborted signal. Settles
 * when no work is left, so that the caller can remove its files.
 * @throws {unknown} the first failure
 */
async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const failed = new AbortController();
  await Promise.all(
    Array.from({ length: parallelReads }, async () => {
      for (const item of queue) {
        if (failed.signal.aborted) return;
        await work(item, failed.signal).catch((error: unknown) => {
          failed.abort(error);
        });
      }
    }),
  );
  failed.signal.throwIfAborted();
}

async function download(url: string, body: Readable, file: string, signal: AbortSignal): Promise<void> {
  makeFolder(dirname(file));
  try {
    await pipeline(body, createWriteStream(file, { flags: "wx" }), { signal });
  } catch (error) {
    throw new ArtifactError(`The model data at ${url} could not be fetched: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function unlessDenied<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (isAccessDenied(error)) return undefined;
    throw error;
  }
}

/**
 * Observed (aws-solutions-library-samples/fraud-detection-using-machine-learning#9); AWS does not say whether the
 * object is missing or forbidden.
 */
function notDownloaded(url: string): string {
  return `Failed to download model data for container "container_1" from URL: "${url}". Please ensure that there is an object located at the URL and that the role passed to CreateModel has permissions to download the object.`;
}

/**
 * Unpacks a tar.gz while it is received. Uses tar(1): decompressing in this process would block the gateway, which
 * shares its thread. tar removes the leading "/" of names, which archives of the SageMaker SDK have (sagemaker 2.257.7,
 * utils.py, `t.add(model_dir, arcname=os.path.sep)`); it writes nothing through "..", and nothing through a link.
 */
async function untar(url: string, archive: Readable, into: string): Promise<void> {
  let broken: Error | undefined;
  archive.once("error", (error: Error) => {
    broken = error;
  });
  // It reads from a pipe, so that it ends with this process.
  const child = spawn("tar", ["-xzf", "-", "--no-same-owner", "-C", into], { stdio: ["pipe", "ignore", "pipe"] });
  const [fed, ended, words] = await Promise.allSettled([
    pipeline(archive, child.stdin),
    once(child, "close"),
    text(child.stderr),
  ]);
  if (broken !== undefined) {
    throw new ArtifactError(`The model data at ${url} could not be fetched: ${broken.message}`, { cause: broken });
  }
  if (ended.status === "rejected") {
    throw new ArtifactError(`tar could not be started: ${(ended.reason as Error).message}. Install tar.`);
  }
  const status = (ended.value as [number | null])[0];
  if (status !== 0 || fed.status === "rejected") {
    const said = words.status === "fulfilled" ? words.value.trim() : "";
    const full = fullDiskLine(said);
    const fault = said.split("\n").find((line) => !/^tar: (Removing|Substituting) /.test(line));
    throw new ArtifactError(
      full === undefined
        ? `The model data at ${url} is not a readable tar.gz archive: ${fault ?? ""}`
        : `The model data at ${url} cannot be unpacked into ${into}: ${full}`,
    );
  }
}

/**
 * Checks that unpacked files are only files, folders, and links within the folder: the emulator has no container that
 * would keep a model away from this machine's files and devices.
 */
async function checkEntries(url: string, folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (!entry.isSymbolicLink()) {
      throw new ArtifactError(
        `The model data at ${url} contains ${name}, which is not a file, a folder or a link. Pack the model without it.`,
      );
    }
    const target = await readlink(path);
    // A link to nothing has no real path. What ".." after a name means depends on the links before it.
    const end = await realpath(path).catch(() => (leavesNames(target) ? "" : resolve(entry.parentPath, target)));
    if (!`${end}${sep}`.startsWith(`${await realpath(folder)}${sep}`)) {
      throw new ArtifactError(
        `The model data at ${url} contains the link ${name} to ${target}, outside the model's folder. Pack the file instead of the link.`,
      );
    }
  }
}

/** Tells whether a path has ".." after a name. */
function leavesNames(path: string): boolean {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.lastIndexOf("..") > names.findIndex((name) => name !== "..") && names.some((name) => name !== "..");
}
