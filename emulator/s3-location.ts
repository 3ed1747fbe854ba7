/** Locations in S3 as AWS's APIs spell them. */

/** Location of an object or of a prefix. */
export interface S3Location {
  readonly bucket: string;
  /** Without a leading slash. */
  readonly key: string;
}

/**
 * Parses `s3://bucket/key` and S3's https URLs, path style and virtual-hosted. Undefined for anything else. Keys are
 * literal in the former and percent-encoded in the latter.
 */
export function parseS3Location(text: string): S3Location | undefined {
  const plain = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(text);
  if (plain !== null) return { bucket: plain[1] ?? "", key: plain[2] ?? "" };
  if (!text.startsWith("https://") || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const path = decodeURIComponent(url.pathname.slice(1));
  const hosted = /^(?:(.+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?$/.exec(url.hostname);
  if (hosted === null) return undefined;
  const [, bucket] = hosted;
  if (bucket !== undefined) return { bucket, key: path };
  const slash = path.indexOf("/");
  return slash < 0 ? { bucket: path, key: "" } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

/** Formats a location as an s3:// URI. */
export function formatS3Location(location: S3Location): string {
  return `s3://${location.bucket}/${location.key}`;
}

/** Returns a key below a prefix, with exactly one slash between them. */
export function below(place: S3Location, name: string): S3Location {
  const prefix = place.key.replace(/\/+$/, "");
  return { bucket: place.bucket, key: prefix === "" ? name : `${prefix}/${name}` };
}
