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
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { Upload } from "@aws-sdk/lib-storage";
import { z } from "zod";
import { containerLogs } from "./container-logs.ts";
import type { ContainerLogs } from "./container-logs.ts";
import type { CorsRule } from "./gateway/cors.ts";
import type { Credentials } from "./gateway/credentials.ts";
import { miniStackStartLimit } from "./ministack.ts";
import { SocketAgent } from "./processes/sockets.ts";
import type { ServerSocket } from "./processes/sockets.ts";
import type { S3Location } from "./s3-location.ts";

/** Size of an object in bytes, and its entity tag. */
export interface ObjectInfo {
  readonly size: number;
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
  /** Returns undefined if there is no such object or bucket. */
  head(location: S3Location): Promise<ObjectInfo | undefined>;
  /** Returns undefined if there is no such object or bucket. */
  get(location: S3Location, signal?: AbortSignal): Promise<ObjectContent | undefined>;
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

/** The services that MiniStack provides to the emulator's own services. */
export interface AwsPorts {
  readonly objects: ObjectStore;
  /**
   * Returns the rules of a bucket's CORS configuration; none if it has no configuration, or if there is no such bucket.
   */
  readonly corsRules: (bucket: string) => Promise<readonly CorsRule[]>;
  readonly topics: Topics;
  readonly roles: Roles;
  readonly logs: ContainerLogs;
  close(): void;
}

/** @param upstream the Unix socket that MiniStack listens on */
export function awsPorts(upstream: ServerSocket, region: string, credentials: Credentials): AwsPorts {
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
  const s3 = new S3Client({ ...config, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
  const sns = new SNSClient(config);
  const iam = new IAMClient(config);
  const logs = new CloudWatchLogsClient(config);
  return {
    objects: s3Store(s3),
    async corsRules(bucket) {
      const found = await unlessMissing(() => s3.send(new GetBucketCorsCommand({ Bucket: bucket })));
      return found?.CORSRules ?? [];
    },
    topics: {
      async publish(topicArn, message, subject) {
        await sns.send(new PublishCommand({ TopicArn: topicArn, Message: message, Subject: subject }));
      },
    },
    roles: iamRoles(iam),
    logs: containerLogs(logs),
    close() {
      for (const client of [s3, sns, iam, logs]) client.destroy();
    },
  };
}

function s3Store(s3: S3Client): ObjectStore {
  return {
    async head({ bucket, key }) {
      return await unlessMissing(async () => {
        const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
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
