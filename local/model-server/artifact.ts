/** Model artifacts: fetched from S3 once, unpacked for each instance. */

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar";
import type { ObjectStore } from "../aws-ports.ts";
import { parseS3Location } from "../s3-location.ts";

/** The artifact is not there or cannot be unpacked. */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
}

export class ArtifactCache {
  readonly #folder: string;
  readonly #objects: ObjectStore;
  readonly #fetching = new Map<string, Promise<string>>();

  constructor(folder: string, objects: ObjectStore) {
    this.#folder = folder;
    this.#objects = objects;
  }

  /** Unpacks `s3://…/model.tar.gz`, as it is there now, into a folder that it creates. Throws ArtifactError. */
  async unpack(url: string, into: string): Promise<void> {
    const archive = await this.#archiveOf(url);
    await mkdir(into, { recursive: true });
    try {
      // Strict: a damaged archive is an error, not a model that lacks files.
      await extract({ file: archive, cwd: into, strict: true });
    } catch (error) {
      throw new ArtifactError(`The model data at ${url} is not a readable tar.gz archive: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async #archiveOf(url: string): Promise<string> {
    const location = parseS3Location(url);
    const info = location === undefined ? undefined : await this.#objects.head(location);
    if (location === undefined || info === undefined) throw new ArtifactError(`There is no model data at ${url}.`);
    const name = createHash("sha256").update(`${url}\n${info.etag}`).digest("hex").slice(0, 32);
    const path = join(this.#folder, `${name}.tar.gz`);
    let fetching = this.#fetching.get(path);
    if (fetching === undefined) {
      fetching = this.#fetch(url, path).finally(() => this.#fetching.delete(path));
      this.#fetching.set(path, fetching);
    }
    return await fetching;
  }

  async #fetch(url: string, path: string): Promise<string> {
    if (await exists(path)) return path;
    await mkdir(this.#folder, { recursive: true });
    const location = parseS3Location(url);
    const content = location === undefined ? undefined : await this.#objects.get(location);
    if (content === undefined) throw new ArtifactError(`There is no model data at ${url}.`);
    const partial = `${path}.partial`;
    try {
      await pipeline(content.body, createWriteStream(partial));
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw new ArtifactError(`The model data at ${url} could not be fetched: ${messageOf(error)}`, { cause: error });
    }
    return path;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
