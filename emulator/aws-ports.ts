/**
 * Interfaces of the emulated SageMaker to other AWS services: objects in S3, topics in SNS, roles in IAM, logs in
 * CloudWatch Logs; called on MiniStack's socket.
 */

import type { Readable } from "node:stream";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateRoleCommand,
  EntityAlreadyExistsException,
  GetRoleCommand,
  IAMClient,
  NoSuchEntityException,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type { Role } from "@aws-sdk/client-iam";
import {
  GetBucketCorsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { Upload } from "@aws-sdk/lib-storage";
import { HttpRequest } from "@smithy/core/protocols";
import { z } from "zod";
import { containerLogs } from "./container-logs.ts";
import type { ContainerLogs } from "./container-logs.ts";
import type { CorsRule } from "./gateway/cors.ts";
import type { Credentials } from "./gateway/credentials.ts";
import type { Actor } from "./iam/authorizer.ts";
import type { LauncherConnection } from "./iam/launcher-client.ts";
import { miniStackStartLimit } from "./ministack.ts";
import { SocketAgent } from "./processes/sockets.ts";
import type { ServerSocket } from "./processes/sockets.ts";
import type { S3Location } from "./s3-location.ts";

/** Size of an object in bytes, and its entity tag. */
export interface ObjectInfo {
  readonly size: number;
  readonly etag: string;
}

/** An object in a listing. */
export interface ListedObject {
  readonly key: string;
  readonly etag: string;
}

/** An object with its body as a stream. */
export interface ObjectContent extends ObjectInfo {
  readonly body: Readable;
}

/** Options of an upload. */
export interface PutOptions {
  readonly contentType?: string | undefined;
  readonly kmsKeyId?: string | undefined;
}

/** S3. */
export interface ObjectStore {
  /** Returns undefined if there is no such object or bucket. Needs the permissions of `get`. */
  head(location: S3Location): Promise<ObjectInfo | undefined>;
  /** Returns undefined if there is no such object or bucket. */
  get(location: S3Location, signal?: AbortSignal): Promise<ObjectContent | undefined>;
  /** Returns all objects below a prefix; undefined if there is no such bucket. */
  list(prefix: S3Location): Promise<readonly ListedObject[] | undefined>;
  /** Writes a stream in parts, or bytes at once; the object appears only when it is complete. */
  put(location: S3Location, body: Readable | Uint8Array, options: PutOptions, signal?: AbortSignal): Promise<void>;
}

/** SNS. */
export interface Topics {
  publish(topicArn: string, message: string, subject?: string): Promise<void>;
}

/** IAM. */
export interface Roles {
  /** Tells whether the role exists and its trust policy lets the service assume it. */
  trusts(roleArn: string, service: string): Promise<boolean>;
  exists(roleArn: string): Promise<boolean>;
  /** Creates the role, unless it exists. */
  createServiceLinked(role: LinkedRole): Promise<void>;
}

/** A role that an AWS service creates for itself. */
export interface LinkedRole {
  /** `arn:aws:iam::ACCOUNT:role/aws-service-role/SERVICE/NAME` */
  readonly arn: string;
  /** The service's principal. */
  readonly service: string;
  readonly policy: { readonly name: string; readonly statements: readonly object[] };
}

/** Services that MiniStack provides, as one actor calls them. */
export interface ActorPorts {
  /** Rejects with an S3ServiceException named AccessDenied if the actor lacks a permission. */
  readonly objects: ObjectStore;
  readonly topics: Topics;
  readonly logs: ContainerLogs;
}

/** Makes calls as a service, with the permissions of a role or of the service. */
export type CallAs = (actor: Actor) => ActorPorts;

/** The services that MiniStack provides to the emulator's own services. */
export interface AwsPorts {
  readonly callAs: CallAs;
  /**
   * Returns the rules of a bucket's CORS configuration; none if it has no configuration, or if there is no such bucket.
   */
  readonly corsRules: (bucket: string) => Promise<readonly CorsRule[]>;
  readonly roles: Roles;
  close(): void;
}

/**
 * @param upstream the Unix socket that MiniStack listens on
 * @param credentials the administrator's key pair: actors' calls are signed with it, and name the actor in headers
 */
export function awsPorts(
  upstream: ServerSocket,
  region: string,
  credentials: Credentials,
  launcher: Pick<LauncherConnection, "headersOf">,
): AwsPorts {
  const config = {
    // The agent connects to the socket; the URL is for the Host header.
    endpoint: "http://127.0.0.1",
    region,
    credentials,
    requestHandler: {
      httpAgent: new SocketAgent(upstream, { maxSockets: 50 }),
      // The first requests wait while MiniStack starts.
      connectionTimeout: miniStackStartLimit + 5_000,
      // Storing a large object takes time, but the socket is not silent for long.
      socketTimeout: 300_000,
    },
  };
  const s3Config = { ...config, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" } as const;
  const s3 = new S3Client(s3Config);
  const iam = new IAMClient(config);
  const clients: { destroy(): void }[] = [s3, iam];
  const actors = new Map<string, ActorPorts>();
  const portsOf = (actor: Actor): ActorPorts => {
    const named =
      <Input extends { request: unknown }, Output>(next: (input: Input) => Promise<Output>) =>
      (input: Input): Promise<Output> => {
        if (!HttpRequest.isInstance(input.request)) throw new Error("The request is not an HTTP request.");
        Object.assign(input.request.headers, launcher.headersOf(actor));
        return next(input);
      };
    const step = { step: "build", name: "actor" } as const;
    const own = { s3: new S3Client(s3Config), sns: new SNSClient(config), logs: new CloudWatchLogsClient(config) };
    own.s3.middlewareStack.add(named, step);
    own.sns.middlewareStack.add(named, step);
    own.logs.middlewareStack.add(named, step);
    clients.push(...Object.values(own));
    return {
      objects: s3Store(own.s3),
      topics: {
        async publish(topicArn, message, subject) {
          await own.sns.send(new PublishCommand({ TopicArn: topicArn, Message: message, Subject: subject }));
        },
      },
      logs: containerLogs(own.logs),
    };
  };
  return {
    callAs(actor) {
      const name = JSON.stringify(actor);
      const ports = actors.get(name) ?? portsOf(actor);
      actors.set(name, ports);
      return ports;
    },
    async corsRules(bucket) {
      const found = await unlessMissing(() => s3.send(new GetBucketCorsCommand({ Bucket: bucket })));
      return found?.CORSRules ?? [];
    },
    roles: iamRoles(iam),
    close() {
      for (const client of clients) client.destroy();
    },
  };
}

function s3Store(s3: S3Client): ObjectStore {
  return {
    async head({ bucket, key }) {
      return await unlessMissing(async () => {
        // With the checksum, S3 checks the permission to decrypt, too (API reference, HeadObject).
        const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }));
        return { size: found.ContentLength ?? 0, etag: found.ETag ?? "" };
      });
    },
    async get({ bucket, key }, signal) {
      return await unlessMissing(async () => {
        const found = await s3.send(
          new GetObjectCommand({ Bucket: bucket, Key: key }),
          signal === undefined ? {} : { abortSignal: signal },
        );
        // In Node the SDK returns a Readable.
        return { size: found.ContentLength ?? 0, etag: found.ETag ?? "", body: found.Body as Readable };
      });
    },
    async list({ bucket, key }) {
      return await unlessMissing(async () => {
        const found: ListedObject[] = [];
        for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: key })) {
          for (const { Key = "", ETag = "" } of page.Contents ?? []) found.push({ key: Key, etag: ETag });
        }
        return found;
      });
    },
    async put({ bucket, key }, body, { contentType, kmsKeyId }, signal) {
      signal?.throwIfAborted();
      const input: PutObjectCommandInput = {
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: contentType,
        ...(kmsKeyId === undefined ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyId }),
      };
      if (body instanceof Uint8Array) {
        await s3.send(new PutObjectCommand(input));
        return;
      }
      const upload = new Upload({ client: s3, params: input });
      const abort = (): void => void upload.abort();
      signal?.addEventListener("abort", abort, { once: true });
      try {
        await upload.done();
      } finally {
        signal?.removeEventListener("abort", abort);
      }
    },
  };
}

/** Tells whether S3 refused a call because the caller lacks a permission. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403;
}

async function unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
    throw error;
  }
}

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statement = z.object({
  Effect: z.string(),
  Action: oneOrMore.optional(),
  Principal: z.union([z.literal("*"), z.object({ Service: oneOrMore.optional() })]).optional(),
});
const trustPolicy = z.object({
  Statement: z.union([statement, z.array(statement)]).transform((value) => [value].flat()),
});

function iamRoles(iam: IAMClient): Roles {
  const find = async (roleArn: string): Promise<Role | undefined> => {
    const name = roleArn.slice(roleArn.lastIndexOf("/") + 1);
    try {
      const { Role: role } = await iam.send(new GetRoleCommand({ RoleName: name }));
      return role?.Arn === roleArn ? role : undefined;
    } catch (error) {
      if (error instanceof NoSuchEntityException) return undefined;
      throw error;
    }
  };
  return {
    async trusts(roleArn, service) {
      const role = await find(roleArn);
      if (role === undefined) return false;
      // IAM returns the policy percent-encoded (RFC 3986).
      const policy = trustPolicy.safeParse(JSON.parse(decodeURIComponent(role.AssumeRolePolicyDocument ?? "{}")));
      return (
        policy.success &&
        policy.data.Statement.some(
          ({ Effect, Action = [], Principal }) =>
            Effect === "Allow" &&
            Action.some((action) => ["sts:AssumeRole", "sts:*", "*"].includes(action)) &&
            (Principal === "*" || Principal?.Service?.includes(service) === true),
        )
      );
    },
    exists: async (roleArn) => (await find(roleArn)) !== undefined,
    async createServiceLinked({ arn, service, policy }) {
      const name = arn.slice(arn.lastIndexOf("/") + 1);
      const document = (statements: readonly object[]) =>
        JSON.stringify({ Version: "2012-10-17", Statement: statements });
      const trust = document([{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }]);
      try {
        // Not CreateServiceLinkedRole: MiniStack does not know the roles' names.
        await iam.send(
          new CreateRoleCommand({
            RoleName: name,
            Path: `/aws-service-role/${service}/`,
            AssumeRolePolicyDocument: trust,
          }),
        );
      } catch (error) {
        if (!(error instanceof EntityAlreadyExistsException)) throw error;
      }
      const policyDocument = document(policy.statements);
      await iam.send(
        new PutRolePolicyCommand({ RoleName: name, PolicyName: policy.name, PolicyDocument: policyDocument }),
      );
    },
  };
}
