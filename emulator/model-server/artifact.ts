/** Fetches model artifacts from S3, unpacks each once, and copies it for each instance. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { constants, existsSync } from "node:fs";
import { cp, readdir, readlink, realpath, rename, rm } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { makeFolder } from "../../lib/files.ts";
import { fullDiskLine } from "../../lib/remedies.ts";
import { isAccessDenied } from "../aws-ports.ts";
import type { ObjectStore } from "../aws-ports.ts";
import { parseS3Location } from "../s3-location.ts";
import type { S3Location } from "../s3-location.ts";

/** The artifact does not exist or cannot be unpacked. */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
}

/** Unpacked model artifacts by their location and entity tag. */
export class ArtifactCache {
  readonly #folder: string;
  readonly #fetching = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Unpacks the current `s3://…/model.tar.gz` into a folder that it creates.
   * @param objects S3, as the execution role calls it
   * @throws {ArtifactError}
   */
  async unpack(url: string, into: string, objects: ObjectStore): Promise<void> {
    // Copied and not linked: an instance may write to its model's files. If the file system can, a copy shares its
    // blocks.
    await cp(await this.#treeOf(url, objects), into, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
  }

  /** Returns the folder with the artifact's files. */
  async #treeOf(url: string, objects: ObjectStore): Promise<string> {
    const location = parseS3Location(url);
    // Each start needs the permissions, even if the files are here already.
    const info = location === undefined ? undefined : await unlessDenied(objects.head(location));
    if (location === undefined || info === undefined) throw new ArtifactError(notDownloaded(url));
    const name = createHash("sha256").update(`${url}\n${info.etag}`).digest("hex").slice(0, 32);
    const path = join(this.#folder, name);
    let fetching = this.#fetching.get(path);
    if (fetching === undefined) {
      fetching = this.#fetch(url, location, path, objects).finally(() => this.#fetching.delete(path));
      this.#fetching.set(path, fetching);
    }
    return await fetching;
  }

  async #fetch(url: string, location: S3Location, path: string, objects: ObjectStore): Promise<string> {
    if (existsSync(path)) return path;
    const content = await unlessDenied(objects.get(location));
    if (content === undefined) throw new ArtifactError(notDownloaded(url));
    const partial = `${path}.partial`;
    makeFolder(partial);
    try {
      await untar(url, content.body, partial);
      await checkEntries(url, partial);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
    return path;
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
    // A link to nothing has no real path.
    const end = await realpath(path).catch(() => resolve(entry.parentPath, target));
    if (!`${end}${sep}`.startsWith(`${await realpath(folder)}${sep}`)) {
      throw new ArtifactError(
        `The model data at ${url} contains the link ${name} to ${target}, outside the model's folder. Pack the file instead of the link.`,
      );
    }
  }
}
