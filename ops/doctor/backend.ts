/** Whether the place where Pulumi keeps the stack's state is known and can be reached. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { parse } from "yaml";
import { z } from "zod";
import { type AwsAccess, forS3 } from "./aws.ts";
import { type Finding, isNamed, ok, problem, reasonOf, unchecked, warning } from "./finding.ts";
import { SetupError, type StackFile } from "./stack-file.ts";

const check = "state";

const projectSchema = z.object({ backend: z.object({ url: z.string() }).optional() });
const loginSchema = z.object({
  current: z.string().optional(),
  accessTokens: z.record(z.string(), z.string()).default({}),
});

/** Address of the state backend, and the token that may be sent to it. */
export interface Backend {
  readonly url: string;
  /** Absent too if there is one, but neither the environment nor a login names the service's host. */
  readonly token: string | undefined;
}

const pulumiCloud = "https://api.pulumi.com";

/**
 * The backend as the Pulumi CLI finds it: from the environment, the project, or the last login.
 * @param home the user's home folder
 * @returns undefined where nobody is logged in
 * @throws SetupError if the project's file, or that of the last login, cannot be read
 */
export async function findBackend(root: string, env: NodeJS.ProcessEnv, home: string): Promise<Backend | undefined> {
  const projectFile = path.join(root, "Pulumi.yaml");
  const project = await read(projectFile, (text) => projectSchema.parse(parse(text)));
  if (project === undefined) throw new SetupError(`There is no ${projectFile}.`);
  const loginFile = path.join(env["PULUMI_HOME"] ?? path.join(home, ".pulumi"), "credentials.json");
  const login = await read(loginFile, (text) => loginSchema.parse(JSON.parse(text)));
  const token = env["PULUMI_ACCESS_TOKEN"];
  const url = env["PULUMI_BACKEND_URL"] ?? project.backend?.url ?? login?.current;
  if (url === undefined || url === "") return token === undefined ? undefined : { url: pulumiCloud, token };
  const tokens = login?.accessTokens ?? {};
  // Pulumi.yaml comes with the repository: it must not choose who gets a token.
  const named = [pulumiCloud, env["PULUMI_BACKEND_URL"] ?? "", login?.current ?? "", ...Object.keys(tokens)];
  const mayHaveToken = named.map(serviceHost).includes(serviceHost(url) ?? "");
  return { url, token: (mayHaveToken ? token : undefined) ?? (Object.hasOwn(tokens, url) ? tokens[url] : undefined) };
}

/** Host and port of a Pulumi service; undefined if the address is not one of http or https. */
function serviceHost(url: string): string | undefined {
  return /^https?:/.test(url) && URL.canParse(url) ? new URL(url).host : undefined;
}

/** Reads a file; undefined where there is none. */
async function read<T>(file: string, parsed: (text: string) => T): Promise<T | undefined> {
  try {
    return parsed(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new SetupError(
      `${file} cannot be read: ${reasonOf(error)}. Mend it; pulumi login writes credentials.json anew.`,
    );
  }
}

/** Reads from the backend what anybody who deploys must be able to read; writes nothing. */
export async function checkBackend(
  backend: Backend | undefined,
  stack: StackFile,
  aws: AwsAccess,
  env: NodeJS.ProcessEnv,
): Promise<Finding> {
  if (backend === undefined) {
    return problem(
      check,
      "Pulumi is logged in nowhere",
      "pulumi login, or pulumi login s3://BUCKET/FOLDER?region=REGION",
    );
  }
  if (!URL.canParse(backend.url)) {
    return problem(check, `${backend.url} is no backend's address`, "pulumi login s3://BUCKET/FOLDER?region=REGION");
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
      return unchecked(check, `the doctor does not know ${protocol}// backends`, "Try pulumi stack ls.");
  }
}

/** Lists the folder as Pulumi does: a role may be allowed that folder of the bucket alone. */
async function bucketFinding(url: string, aws: AwsAccess, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { hostname: bucket, pathname, searchParams } = new URL(url);
  const folder = pathname.replaceAll(/^\/|\/$/g, "");
  const profile = searchParams.get("profile");
  const client = new S3Client({
    ...forS3(aws, env),
    region: searchParams.get("region") ?? aws.region,
    ...(profile === null ? {} : { profile }),
  });
  try {
    await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: folder === "" ? ".pulumi/" : `${folder}/.pulumi/`,
        MaxKeys: 1,
      }),
    );
    return ok(check, url);
  } catch (error) {
    if (isNamed(error, "NoSuchBucket")) {
      return problem(check, `${url}: there is no bucket ${bucket}`, "Make it, or pulumi login to another backend.");
    }
    if (isNamed(error, "AccessDenied")) {
      return problem(
        check,
        `${url}: reading is denied`,
        `Allow yourself s3:ListBucket on ${bucket} and s3:GetObject on ${folder === "" ? "" : `${folder}/`}* in it.`,
      );
    }
    return unchecked(check, error, `Try aws s3 ls ${bucket}; see that the address names the bucket's region.`);
  } finally {
    client.destroy();
  }
}

async function folderFinding(url: string, { name }: StackFile): Promise<Finding> {
  // Pulumi takes file://~ too, and relative paths.
  const isAbsolute = url.startsWith("file:///");
  if (!isAbsolute) return unchecked(check, `${url} is relative to a folder`, "Give the folder in full: file:///…");
  const found = await stat(fileURLToPath(url)).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    return problem(check, `${url}: there is no such folder`, "Make it, or pulumi login to another backend.");
  }
  if (name === "local") return ok(check, url);
  return warning(
    check,
    `${url}: the state is on this machine alone`,
    "Whoever else deploys would make everything a second time: pulumi login, or pulumi login s3://BUCKET/FOLDER?region=REGION",
  );
}

const userSchema = z.object({ githubLogin: z.string() });

/** Whether this machine itself answers at a host name. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Asks Pulumi's service who we are, as pulumi whoami does; sends the token over TLS only. */
async function serviceFinding({ url, token }: Backend): Promise<Finding> {
  if (token === undefined) {
    return problem(
      check,
      `${url}: there is no token for it (PULUMI_ACCESS_TOKEN counts for hosts that a login or PULUMI_BACKEND_URL names)`,
      `pulumi login ${url}`,
    );
  }
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !isLoopback(hostname)) {
    return unchecked(check, `${url} is not https: the doctor sends it no token`, "Use the service's https address.");
  }
  try {
    const answer = await fetch(new URL("/api/user", url), {
      headers: { authorization: `token ${token}`, accept: "application/vnd.pulumi+8" },
      signal: AbortSignal.timeout(15_000),
    });
    if (answer.status === 401 || answer.status === 403) {
      return problem(check, `${url} does not take the token`, `pulumi login ${url}`);
    }
    if (!answer.ok) return unchecked(check, `${url} answers with status ${answer.status}`, "Try pulumi whoami.");
    return ok(check, `${url}, as ${userSchema.parse(await answer.json()).githubLogin}`);
  } catch (error) {
    const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    return unchecked(check, `${url}: ${reasonOf(cause)}`, "Try pulumi whoami; see that the network lets it pass.");
  }
}
