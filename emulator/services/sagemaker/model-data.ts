/** A container's model data in S3: ModelDataUrl or ModelDataSource of CreateModel. */

import type { ContainerDefinition, S3ModelDataSource } from "@aws-sdk/client-sagemaker";
import { isAccessDenied } from "../../aws-ports.ts";
import type { ObjectStore } from "../../aws-ports.ts";
import { parseS3Location } from "../../s3-location.ts";
import type { S3Location } from "../../s3-location.ts";
import { validationException } from "../../wire/service.ts";
import { refuse, refuseMembers } from "../unsupported.ts";

/** Location and form of a container's model data. */
export interface ModelData {
  /** The caller's spelling of the location, for messages. */
  readonly url: string;
  readonly location: S3Location;
  /** A gzip-compressed tar archive, one object that is a file, or all objects below a prefix, each a file. */
  readonly form: "archive" | "file" | "prefix";
}

/**
 * Returns the container's model data; undefined without any. AWS's messages for wrong combinations are unconfirmed.
 * @throws {AwsError} ValidationException, or NotImplementedException for unsupported members
 */
export function modelDataOf({
  ModelDataUrl: url,
  ModelDataSource: source,
}: ContainerDefinition): ModelData | undefined {
  if (source !== undefined) {
    if (url !== undefined) throw validationException("ModelDataUrl and ModelDataSource cannot both be specified.");
    if (source.S3DataSource === undefined) throw validationException("S3DataSource is required in ModelDataSource.");
    return sourceData(source.S3DataSource);
  }
  if (url === undefined) return undefined;
  const location = locationOf(url);
  if (!location.key.endsWith(".tar.gz")) {
    throw validationException(`The ModelDataUrl ${url} must end with .tar.gz.`);
  }
  return { url, location, form: "archive" };
}

/** Source of the rules: API reference, S3ModelDataSource. */
function sourceData(source: S3ModelDataSource): ModelData {
  refuseMembers("S3DataSource", source, ["ETag", "HubAccessConfig", "ManifestEtag", "ManifestS3Uri"]);
  const { S3Uri: url = "", S3DataType: type, CompressionType: compression } = source;
  const location = locationOf(url);
  if (type === "S3Prefix") {
    if (!url.endsWith("/")) {
      throw validationException(`The S3Uri ${url} must end with a forward slash (/) if S3DataType is S3Prefix.`);
    }
    if (compression === "Gzip") refuse("S3DataType S3Prefix with CompressionType Gzip");
    return { url, location, form: "prefix" };
  }
  if (location.key === "" || location.key.endsWith("/")) {
    throw validationException(`The S3Uri ${url} must be an object if S3DataType is S3Object.`);
  }
  return { url, location, form: compression === "Gzip" ? "archive" : "file" };
}

/**
 * Checks that the execution role can read the model data.
 * @throws {AwsError} ValidationException
 */
export async function checkModelData(
  objects: ObjectStore,
  { url, location, form }: ModelData,
  { roleArn, region }: { readonly roleArn: string; readonly region: string },
): Promise<void> {
  try {
    const found = form === "prefix" ? (await objects.list(location))?.[0] : await objects.head(location);
    if (found !== undefined) return;
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    // Observed (philschmid/llm-sagemaker-sample#2).
    throw validationException(
      `Could not access model data at ${url}. Please ensure that the role "${roleArn}" exists and that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object is located in ${region}. If your Model uses multiple models or uncompressed models, please ensure that the role has "s3:ListBucket" permission.`,
    );
  }
  throw validationException(couldNotFind(url));
}

function locationOf(url: string): S3Location {
  const location = parseS3Location(url);
  if (location === undefined) throw validationException(couldNotFind(url));
  return location;
}

function couldNotFind(url: string): string {
  return `Could not find model data at ${url}.`;
}
