/** For tests: IAM roles on the emulator, and sessions of them. */

import { CreatePolicyCommand, CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { Credentials } from "../gateway/credentials.ts";
import { testRole } from "./fake-aws.ts";
import { sdkConfig, testAccount } from "./test-gateway.ts";

/** An emulated AWS and its administrator. */
interface RunningAws {
  readonly url: string;
  readonly credentials: Credentials;
}

/** A statement of a policy. */
export type Statement = Readonly<Record<string, unknown>>;

/** Credentials of a session. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Options of a role. */
export interface RoleOptions {
  /** Statements of the inline policy "own". */
  readonly allow?: readonly Statement[];
  /** Statements of the permissions boundary. @default no boundary */
  readonly boundary?: readonly Statement[];
  /** @default the account */
  readonly principal?: Readonly<Record<string, string>>;
}

/** Returns a policy document. */
export function policyOf(...statements: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Returns a statement that allows actions on resources. */
export function allow(Sid: string, Action: string | readonly string[], Resource: string | readonly string[] = "*") {
  return { Sid, Effect: "Allow", Action, Resource };
}

/** Creates a role; returns its ARN. */
export async function createRole(aws: RunningAws, name: string, options: RoleOptions = {}): Promise<string> {
  const iam = new IAMClient(sdkConfig(aws, aws.credentials));
  const { allow: statements = [], principal = { AWS: `arn:aws:iam::${testAccount}:root` } } = options;
  const boundary =
    options.boundary === undefined
      ? undefined
      : await iam.send(
          new CreatePolicyCommand({ PolicyName: `${name}-boundary`, PolicyDocument: policyOf(...options.boundary) }),
        );
  await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: policyOf({ Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" }),
      PermissionsBoundary: boundary?.Policy?.Arn,
    }),
  );
  if (statements.length > 0) {
    const PolicyDocument = policyOf(...statements);
    await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: "own", PolicyDocument }));
  }
  iam.destroy();
  return `arn:aws:iam::${testAccount}:role/${name}`;
}

/** Permissions of an execution role for all buckets, topics, images and logs. */
const executionStatements: readonly Statement[] = [
  allow("Data", ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:AbortMultipartUpload"]),
  allow("Topics", "sns:Publish"),
  allow("Image", [
    "ecr:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchCheckLayerAvailability",
  ]),
  allow("Logs", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
];

/** Creates the execution role of the example model; returns its ARN. */
export async function createExecutionRole(aws: RunningAws): Promise<string> {
  const principal = { Service: "sagemaker.amazonaws.com" };
  return await createRole(aws, testRole.slice(testRole.lastIndexOf("/") + 1), {
    allow: executionStatements,
    principal,
  });
}

/** Assumes a role as the administrator. */
export async function assumeRole(aws: RunningAws, RoleArn: string, Policy?: string): Promise<SessionCredentials> {
  const sts = new STSClient(sdkConfig(aws, aws.credentials));
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "test", Policy }));
  sts.destroy();
  if (Credentials === undefined) throw new Error("AssumeRole returned no credentials.");
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials;
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** Creates a role and assumes it. */
export async function sessionOf(aws: RunningAws, name: string, options: RoleOptions): Promise<SessionCredentials> {
  return await assumeRole(aws, await createRole(aws, name, options));
}
