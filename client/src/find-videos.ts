/**
 * Finds the videos that a command line names: files, folders, objects and prefixes in S3. All are checked before any is
 * sent.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { checkSize, maxInputBytesOf } from "./limits.ts";
import { checkLocation } from "./allowed-sources.ts";
import { headObject, isBucketMissing, parseS3Uri } from "./s3-objects.ts";
import { inParallel } from "./parallel.ts";
import { requestsPrefix } from "./request-object.ts";
import type { Stack } from "./stack.ts";
import { isS3 } from "./submit-all.ts";
import { checkVideo, contentTypeOf, isTransportFile, videoExtensions } from "./video-file.ts";
import { InputError } from "./errors.ts";
import { plural } from "./format.ts";

/** A video that can be sent. */
export interface FoundVideo {
  /** A file's absolute path, or an object's s3:// URI. */
  readonly video: string;
  readonly contentType: string;
  readonly bytes: number;
}

/** Result of a search. */
export interface FoundVideos {
  readonly videos: readonly FoundVideo[];
  /** Notice about files that were skipped, in one line; undefined if there are none. */
  readonly skipped: string | undefined;
}

/** Reasons for skipping an entry of a folder, or a second name of a video. */
const skippedThings = {
  hidden: ["hidden file or folder", "hidden files or folders"],
  broken: ["broken link", "broken links"],
  folderLink: ["link to a folder", "links to folders"],
  type: ["file of another type", "files of other types"],
  duplicate: ["duplicate", "duplicates"],
} as const;

type Skipped = keyof typeof skippedThings;

/** Counts of skipped files. */
type Counts = Map<Skipped, number>;

function count(counts: Counts, what: Skipped): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** Maximum number of bad videos that are named, so that several can be fixed at once. */
const problemsShown = 5;

/** Number of concurrent checks: they wait for disk and network, not for the processor. */
const concurrency = 16;

/**
 * Finds and checks videos. A folder stands for all files below it with a video's extension, and for `.ts` files that are
 * MPEG transport streams, including targets of links,
 * but no hidden files. An s3:// URI that ends with a slash, or names a bucket, stands for all such objects below it. A
 * file that is found twice, also through a link, counts once.
 * @throws InputError that names those that cannot be sent
 */
export async function findVideos(
  stack: Stack,
  operands: readonly string[],
  signal?: AbortSignal,
): Promise<FoundVideos> {
  // In the order of the command line; undefined until checked.
  const found = new Map<string, FoundVideo | undefined>();
  const counts: Counts = new Map();
  const seen = new Set<string>();
  const add = (name: string, identity: string, video?: FoundVideo): void => {
    if (seen.has(identity)) {
      count(counts, "duplicate");
      return;
    }
    seen.add(identity);
    found.set(name, video);
  };
  const problems = new Map<string, InputError>();
  const collect = async (name: string, find: () => Promise<void>): Promise<void> => {
    try {
      await find();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.set(name, error);
    }
  };
  for (const operand of operands) {
    await collect(operand, async () => {
      if (!isS3(operand)) {
        for (const file of await filesOf(operand, counts)) {
          // The check of the file reports a missing file.
          const identity = await realpath(file).catch(() => resolve(file));
          add(resolve(file), identity);
        }
      } else if (isPrefix(operand)) {
        for (const object of await listVideos(stack, operand, counts, signal)) add(object.video, object.video, object);
      } else {
        add(operand, operand);
      }
    });
  }
  const unchecked = [...found].filter(([, video]) => video === undefined);
  await inParallel(unchecked, concurrency, async ([name]) => {
    signal?.throwIfAborted();
    await collect(name, async () => {
      found.set(name, isS3(name) ? await checkObject(stack, name, signal) : await checkFile(stack, name));
    });
  });
  if (problems.size > 0) {
    const named = [...new Set([...operands, ...found.keys()])];
    const shown = named.flatMap((name) => problems.get(name)?.message ?? []).slice(0, problemsShown);
    const others = problems.size - shown.length;
    const good = [...found.values()].filter((video) => video !== undefined).length;
    throw new InputError(
      [...shown, ...(others === 0 ? [] : [`(And ${others} more.)`]), ...(good === 0 ? [] : [othersOf(good)])].join(" "),
    );
  }
  return { videos: [...found.values()].filter((video) => video !== undefined), skipped: sentenceOf(counts) };
}

/** Explains that the valid videos were not sent either. */
function othersOf(good: number): string {
  return `Nothing was sent, although ${plural(good, "video is", "videos are")} valid: correct or remove the named ones, and run the command again.`;
}

function sentenceOf(counts: Counts): string | undefined {
  const things = Object.keys(skippedThings) as Skipped[];
  const parts = things.flatMap((thing) => {
    const found = counts.get(thing);
    const [one, many] = skippedThings[thing];
    return found === undefined ? [] : [plural(found, one, many)];
  });
  return parts.length === 0 ? undefined : `skipped ${parts.join(", ")}`;
}

function isPrefix(uri: string): boolean {
  if (!/^s3:\/\/[^/]/.test(uri)) throw new InputError(`${uri} names no bucket.`);
  return uri.endsWith("/") || !uri.slice("s3://".length).includes("/");
}

function hasVideoExtension(name: string): boolean {
  return videoExtensions.includes(extname(name).toLowerCase());
}

async function filesOf(operand: string, counts: Counts): Promise<readonly string[]> {
  const stats = await stat(operand).catch(() => undefined);
  // The check of the file reports a missing file.
  if (stats?.isDirectory() !== true) return [operand];
  const files: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name, "en"))) {
      const file = join(folder, entry.name);
      if (entry.name.startsWith(".")) count(counts, "hidden");
      else if (entry.isDirectory()) await visit(file);
      else {
        const target = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry;
        if (target === undefined) count(counts, "broken");
        // Not followed: it may lead in a circle.
        else if (target.isDirectory()) count(counts, "folderLink");
        else if (target.isFile() && (hasVideoExtension(entry.name) || (await isTransportFile(file)))) files.push(file);
        else count(counts, "type");
      }
    }
  };
  await visit(operand);
  if (files.length === 0) {
    const skipped = sentenceOf(counts);
    const others = skipped === undefined ? "" : `; ${skipped}`;
    throw new InputError(`${operand} contains no videos (${videoExtensions.join(", ")})${others}.`);
  }
  return files;
}

async function checkFile(stack: Stack, file: string): Promise<FoundVideo> {
  return {
    video: file,
    contentType: contentTypeOf(file),
    bytes: await checkVideo(file, maxInputBytesOf(stack.outputs)),
  };
}

/**
 * Checks that the endpoint may read a location, and that its bucket exists.
 * @throws InputError that names the bucket if it does not exist
 */
async function checkPlace(stack: Stack, uri: string, signal?: AbortSignal): Promise<void> {
  const [bucket = ""] = uri.slice("s3://".length).split("/");
  if (await isBucketMissing(stack.s3, bucket, signal)) {
    throw new InputError(`Bucket ${bucket} does not exist, so there is no ${uri}: check its name.`);
  }
  checkLocation(stack.outputs, uri);
}

async function checkObject(stack: Stack, uri: string, signal?: AbortSignal): Promise<FoundVideo> {
  await checkPlace(stack, uri, signal);
  const head = await headObject(stack.s3, parseS3Uri(uri), { signal });
  if (head === "missing") {
    throw new InputError(`There is no object ${uri}; end it with a slash to take all videos below it.`);
  }
  if (head === "forbidden") {
    throw new InputError(`${uri} is not there, or these AWS credentials may not read it: check both.`);
  }
  checkSize(uri, head.bytes, maxInputBytesOf(stack.outputs));
  const contentType = head.contentType?.startsWith("video/") === true ? head.contentType : contentTypeOf(uri);
  return { video: uri, contentType, bytes: head.bytes };
}

async function listVideos(
  stack: Stack,
  uri: string,
  counts: Counts,
  signal?: AbortSignal,
): Promise<readonly FoundVideo[]> {
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(uri) ?? [];
  await checkPlace(stack, `s3://${bucket}/${prefix}`, signal);
  const videos: FoundVideo[] = [];
  const requests = requestsPrefix(stack.outputs);
  const pages = paginateListObjectsV2(
    { client: stack.s3 },
    { Bucket: bucket, Prefix: prefix },
    signal === undefined ? {} : { abortSignal: signal },
  );
  for await (const { Contents = [] } of pages) {
    for (const { Key = "", Size = 0 } of Contents) {
      if (`s3://${bucket}/${Key}`.startsWith(requests)) continue;
      // Consoles represent a folder by a key that ends with a slash.
      if (!hasVideoExtension(Key) && !Key.endsWith("/")) count(counts, "type");
      if (!hasVideoExtension(Key)) continue;
      const video = `s3://${bucket}/${Key}`;
      checkSize(video, Size, maxInputBytesOf(stack.outputs));
      videos.push({ video, contentType: contentTypeOf(Key), bytes: Size });
    }
  }
  if (videos.length === 0) throw new InputError(`There are no videos (${videoExtensions.join(", ")}) below ${uri}.`);
  return videos;
}
