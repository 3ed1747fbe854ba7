/** Checks that the backend of Pulumi's state is configured and can be reached. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { parse } from "yaml";
import { z } from "zod";
import { closing } from "../../lib/closing.ts";
import { describe, InvalidInputError } from "../../lib/errors.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";
import { forS3 } from "./aws-clients.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { findingsOf, isNamed } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { StackFile } from "./stack-file.ts";

const { ok, problem, unchecked, warning } = findingsOf("state");

const projectSchema = z.object({ backend: z.object({ url: z.string() }).optional() });
const loginSchema = z.object({
  current: z.string().optional(),
  accessTokens: z.record(z.string(), z.string()).default({}),
});

/** Address of the state backend, and its access token. */
export interface Backend {
  readonly url: string;
  /** Also absent if there is one, but neither the environment nor a login names the service's host. */
  readonly token: string | undefined;
}

const pulumiCloud = "https://api.pulumi.com";

/**
 * Finds the backend as the Pulumi CLI does: from the environment, the project, or the last login.
 * @param home the user's home folder
 * @returns undefined without a login
 * @throws InvalidInputError if the project's file, or that of the last login, cannot be read
 */
export async function findBackend(root: string, env: NodeJS.ProcessEnv, home: string): Promise<Backend | undefined> {
  const projectFile = join(root, "Pulumi.yaml");
  const project = await read(projectFile, parse, projectSchema);
  if (project === undefined) throw new InvalidInputError(`${projectFile} does not exist.`);
  const loginFile = join(env["PULUMI_HOME"] ?? join(home, ".pulumi"), "credentials.json");
  const login = await read(loginFile, JSON.parse, loginSchema);
  const token = env["PULUMI_ACCESS_TOKEN"];
  const url = env["PULUMI_BACKEND_URL"] ?? project.backend?.url ?? login?.current;
  if (url === undefined || url === "") return token === undefined ? undefined : { url: pulumiCloud, token };
  const tokens = login?.accessTokens ?? {};
  // Pulumi.yaml is part of the repository, which must not choose the recipient of a token.
  const named = [pulumiCloud, env["PULUMI_BACKEND_URL"] ?? "", login?.current ?? "", ...Object.keys(tokens)];
  const mayHaveToken = named.map(serviceHost).includes(serviceHost(url) ?? "");
  return { url, token: (mayHaveToken ? token : undefined) ?? (Object.hasOwn(tokens, url) ? tokens[url] : undefined) };
}

/** Returns host and port of a Pulumi service; undefined if the address is not one of http or https. */
function serviceHost(url: string): string | undefined {
  return /^https?:/.test(url) && URL.canParse(url) ? new URL(url).host : undefined;
}

/** Reads a file; undefined if it does not exist. */
async function read<T>(
  file: string,
  parseText: (text: string) => unknown,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const refuse = (problem: string): InvalidInputError =>
    new InvalidInputError(`${file} cannot be read: ${problem}. Correct it; pulumi login rewrites credentials.json.`);
  let content: unknown;
  try {
    content = parseText(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw refuse(describe(error));
  }
  const checked = schema.safeParse(content);
  if (checked.success) return checked.data;
  throw refuse(schemaProblems(content, checked.error));
}

/** Reads from the backend with the permissions that a deployment needs; writes nothing. */
export async function checkBackend(
  backend: Backend | undefined,
  stack: StackFile,
  aws: AwsAccess,
  env: NodeJS.ProcessEnv,
): Promise<Finding> {
  if (backend === undefined) {
    return problem("Pulumi is not logged in", "pulumi login, or pulumi login s3://BUCKET/FOLDER?region=REGION");
  }
  if (!URL.canParse(backend.url)) {
    return problem(`${backend.url} is not a backend's address`, "pulumi login s3://BUCKET/FOLDER?region=REGION");
  }
  const { protocol } = new URL(backend.url);
  switch (protocol) {
    case "s3:":
      return bucketFinding(backend.url, aws, env);
    case "file:":
      return folderFinding(backend.url, stack);
    case "https:":
    case "http:":
      return serviceFinding(backend);
    default:
      return unchecked(`the doctor does not support ${protocol}// backends`, "Try pulumi stack ls.");
  }
}

/** Lists the folder as Pulumi does: a role may have access only to that folder of the bucket. */
async function bucketFinding(url: string, aws: AwsAccess, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { hostname: bucket, pathname, searchParams } = new URL(url);
  const folder = pathname.replaceAll(/^\/|\/$/g, "");
  const profile = searchParams.get("profile");
  const options = { ...forS3(aws, env), region: searchParams.get("region") ?? aws.region };
  using client = closing(new S3Client({ ...options, ...(profile === null ? {} : { profile }) }));
  try {
    await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: folder === "" ? ".pulumi/" : `${folder}/.pulumi/`,
        MaxKeys: 1,
      }),
    );
    return ok(url);
  } catch (error) {
    if (isNamed(error, "NoSuchBucket")) {
      return problem(`${url}: the bucket ${bucket} does not exist`, "Create it, or pulumi login to another backend.");
    }
    if (isNamed(error, "AccessDenied")) {
      return problem(
        `${url}: reading is denied`,
        `Grant yourself s3:ListBucket on ${bucket} and s3:GetObject on ${folder === "" ? "" : `${folder}/`}* in it.`,
      );
    }
    return unchecked(error, `Try aws s3 ls ${bucket}; check that the address names the bucket's region.`);
  }
}

async function folderFinding(url: string, { name }: StackFile): Promise<Finding> {
  // Pulumi also accepts file://~ and relative paths.
  const isAbsolute = url.startsWith("file:///");
  if (!isAbsolute) return unchecked(`${url} is relative to a folder`, "Use the full path: file:///…");
  const found = await stat(fileURLToPath(url)).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    return problem(`${url}: the folder does not exist`, "Create it, or pulumi login to another backend.");
  }
  if (name === "local") return ok(url);
  return warning(
    `${url}: the state is only on this machine`,
    "A deployment from another machine would create all resources again: pulumi login, or pulumi login s3://BUCKET/FOLDER?region=REGION",
  );
}

const userSchema = z.object({ githubLogin: z.string() });

/** Checks if a host name is of this machine. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Asks Pulumi's service for the user, as pulumi whoami does. Sends the token only over TLS. */
async function serviceFinding({ url, token }: Backend): Promise<Finding> {
  if (token === undefined) {
    return problem(
      `${url}: no token is known (PULUMI_ACCESS_TOKEN is used only for hosts that a login or PULUMI_BACKEND_URL names)`,
      `pulumi login ${url}`,
    );
  }
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !isLoopback(hostname)) {
    return unchecked(`${url} is not https: the doctor does not send the token`, "Use the service's https address.");
  }
  try {
    const answer = await fetch(new URL("/api/user", url), {
      headers: { authorization: `token ${token}`, accept: "application/vnd.pulumi+8" },
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.status === 401 || answer.status === 403) {
      return problem(`${url} rejects the token`, `pulumi login ${url}`);
    }
    if (!answer.ok) return unchecked(`${url} answers with status ${answer.status}`, "Try pulumi whoami.");
    return ok(`${url}, as ${userSchema.parse(await answer.json()).githubLogin}`);
  } catch (error) {
    const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    return unchecked(`${url}: ${describe(cause)}`, "Try pulumi whoami; check that the network allows it.");
  }
}
