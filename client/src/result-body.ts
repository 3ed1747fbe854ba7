/** Decodes a result in any format that the handler writes to one JSON value: a document or lines, compressed or not. */
import { constants } from "node:buffer";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { codeOf, explain } from "../../lib/errors.ts";
import { ServiceAnswerError } from "./errors.ts";
import { plural } from "./format.ts";

/** First bytes of a gzip stream (RFC 1952, 2.3.1); JSON cannot start with them. */
const gzipMagic = Buffer.from([0x1f, 0x8b]);

/**
 * Returns the text of a result. A compressed one is unpacked up to the maximum length of a string (512 MiB), so that a
 * small object cannot exhaust the memory.
 * @throws ServiceAnswerError if it is compressed and damaged or too large
 */
export async function textOf(bytes: Uint8Array, origin: string): Promise<string> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!body.subarray(0, gzipMagic.length).equals(gzipMagic)) return body.toString("utf8");
  try {
    const unpacked = await promisify(gunzip)(body, { maxOutputLength: constants.MAX_STRING_LENGTH });
    return unpacked.toString("utf8");
  } catch (error) {
    throw new ServiceAnswerError(
      codeOf(error) === "ERR_BUFFER_TOO_LARGE"
        ? `The result at ${origin} unpacks to more than ${Math.floor(constants.MAX_STRING_LENGTH / 1024 ** 2)} MiB: ask for fewer frames or no masks.`
        : `The result at ${origin} is damaged gzip: ${explain(error)}.`,
    );
  }
}

/**
 * Parses a result's text; lines are combined to one document. The content is not checked yet.
 * @throws ServiceAnswerError if the text is not JSON, or if lines are missing
 */
export function valueOf(text: string, origin: string): unknown {
  try {
    return text.startsWith('{"kind":') ? documentOf(text, origin) : JSON.parse(text);
  } catch (error) {
    if (error instanceof ServiceAnswerError) throw error;
    throw new ServiceAnswerError(`The result at ${origin} is not JSON: ${explain(error)}.`);
  }
}

/** A line, with its kind separated: `#/$defs/line` in model/result.schema.json. */
type Line = Readonly<Record<string, unknown>>;

function documentOf(text: string, origin: string): object {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const [header, ...rest] = lines;
  const ending = rest.pop();
  const frames = rest.map((line) => withoutKind(line, "frame", origin));
  const { frames: count, ...end } = withoutKind(ending, "ending", origin);
  if (count !== frames.length) {
    throw new ServiceAnswerError(
      `The result at ${origin} has ${plural(frames.length, "line")} of frames; its ending states ${String(count)}.`,
    );
  }
  return { ...withoutKind(header, "header", origin), ...end, frames };
}

function withoutKind(line: Line | undefined, wanted: string, origin: string): Line {
  const { kind, ...members } = line ?? {};
  if (kind === wanted) return members;
  throw new ServiceAnswerError(
    `The result at ${origin} is incomplete: it has a line of kind ${String(kind)} in place of its ${wanted}.`,
  );
}
