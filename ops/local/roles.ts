/** Roles on the emulator: those of the stack `local`, which the program does not create, and sessions of any role. */
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DetachRolePolicyCommand,
  EntityAlreadyExistsException,
  GetRoleCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  NoSuchEntityException,
  paginateListRoles,
} from "@aws-sdk/client-iam";
import type { Role } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Credentials } from "@aws-sdk/client-sts";
import { z } from "zod";
import { InvalidInputError } from "../../lib/errors.ts";
import type { Ready } from "./emulator.ts";

type Access = Pick<Ready, "url" | "region" | "accountId" | "credentials">;

/**
 * Roles of the stack `local` by their short names, and the outputs with the policies that are attached to each. An
 * operator is a caller, too: redrive, burst and the smoke test send videos.
 */
const localRoles = {
  caller: { name: "local-caller", policies: ["callerPolicyArn"] },
  operator: { name: "local-operator", policies: ["callerPolicyArn", "operatorPolicyArn"] },
} as const;

/** The role that workflows assume to deploy an environment (infra/bootstrap), with Pulumi's suffix. */
const deployRole = /^async-video-[a-z]+-deploy(-[0-9a-f]{7})?$/;

const policyOutputs = z.object({ callerPolicyArn: z.string(), operatorPolicyArn: z.string() });

/** A role of the stack `local`. */
export type LocalRole = keyof typeof localRoles;

/** Help for `--role`. */
export const roleHelp = "caller, operator, deploy (of infra/bootstrap), or a role's name";

/** A session's credentials. */
export interface RoleSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Real time. */
  readonly expiration: Date;
}

/**
 * Creates the roles `local-caller` and `local-operator`, if they are missing, and attaches the stack's policies to them.
 * @param outputs the stack's
 * @throws the signal's reason after an abort, which also stops the emulator
 */
export async function attachLocalRoles(
  access: Access,
  outputs: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const arns = policyOutputs.parse(outputs);
  await withIam(
    access,
    async (iam) => {
      for (const { name: RoleName, policies } of Object.values(localRoles)) {
        const Principal = { AWS: `arn:aws:iam::${access.accountId}:root` };
        const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }] };
        try {
          await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
        } catch (error) {
          if (!(error instanceof EntityAlreadyExistsException)) throw error;
        }
        for (const policy of policies) {
          await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: arns[policy] }));
        }
      }
    },
    signal,
  );
}

/**
 * Detaches the stack's policies from those roles: IAM deletes no attached policy.
 * @throws the signal's reason after an abort, which also stops the emulator
 */
export async function detachLocalRoles(access: Access, signal: AbortSignal): Promise<void> {
  await withIam(
    access,
    async (iam) => {
      for (const { name: RoleName } of Object.values(localRoles)) {
        try {
          const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
          for (const { PolicyArn } of AttachedPolicies) {
            await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
          }
        } catch (error) {
          if (!(error instanceof NoSuchEntityException)) throw error;
        }
      }
    },
    signal,
  );
}

/**
 * Finds a role on the emulator.
 * @param role a short name or a role's name
 * @throws InvalidInputError if there is no such role
 */
export async function findRole(access: Access, role: string): Promise<Role> {
  return await withIam(access, async (iam) => {
    if (role === "deploy") {
      for await (const { Roles = [] } of paginateListRoles({ client: iam }, {})) {
        const found = Roles.find(({ RoleName = "" }) => deployRole.test(RoleName));
        if (found !== undefined) return found;
      }
      throw new InvalidInputError(
        "The emulator has no deploy role. Deploy infra/bootstrap to the emulator, or give a role's name with --role.",
      );
    }
    const short = Object.entries(localRoles).find(([name]) => name === role)?.[1].name;
    try {
      const { Role: found } = await iam.send(new GetRoleCommand({ RoleName: short ?? role }));
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof NoSuchEntityException)) throw error;
    }
    throw new InvalidInputError(`The emulator has no role ${short ?? role}. Give --role ${roleHelp}.`);
  });
}

/**
 * Assumes a role as the administrator; a role that trusts only an identity provider, with a token made for it.
 * @throws InvalidInputError if there is no such role; the SDK's error if it does not trust the administrator
 */
export async function assumeRole(access: Access, role: string): Promise<RoleSession> {
  const found = await findRole(access, role);
  const RoleSessionName = "local-env";
  const identity = trustedIdentity(decodeURIComponent(found.AssumeRolePolicyDocument ?? "{}"));
  if (identity !== undefined) return await assumeRoleWithToken(access, found.Arn ?? "", identity, RoleSessionName);
  return await withSts(access, (sts) => sts.send(new AssumeRoleCommand({ RoleArn: found.Arn, RoleSessionName })));
}

/** The parts of an identity provider's token that a role's trust policy compares. */
export interface WebIdentity {
  /** Host of the identity provider. */
  readonly host: string;
  readonly audience: string | undefined;
  readonly subject: string | undefined;
}

/**
 * Assumes a role with a token that is made here: the emulator does not verify a token's signature.
 * @param seconds duration of the session. @default an hour (AWS: AssumeRoleWithWebIdentity, DurationSeconds)
 * @throws STS's error if the role does not trust the token, or does not allow such a duration
 */
export async function assumeRoleWithToken(
  access: Access,
  RoleArn: string,
  { host, audience, subject }: WebIdentity,
  RoleSessionName: string,
  seconds?: number,
): Promise<RoleSession> {
  const claims = { iss: `https://${host}`, aud: audience, sub: subject };
  const encoded = [{ alg: "none" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const input = { RoleArn, RoleSessionName, WebIdentityToken: `${encoded.join(".")}.`, DurationSeconds: seconds };
  return await withSts(access, (sts) => sts.send(new AssumeRoleWithWebIdentityCommand(input)));
}

/** Ms before the end of a session from which on a new one is used; the AWS SDK asks again five minutes before the end. */
const renewalMs = 10 * 60_000;

/**
 * Returns a provider of credentials for AWS SDK clients: sessions of a role of the stack `local`, renewed before they
 * expire. Clients that share the provider share its session.
 */
export function roleCredentials(access: Access, role: LocalRole): () => Promise<RoleSession> {
  let session: Promise<RoleSession> | undefined;
  return async () => {
    if (session === undefined || (await session).expiration.getTime() - Date.now() < renewalMs) {
      const renewed = assumeRole(access, role);
      session = renewed;
      renewed.catch(() => {
        // The next call asks again.
        if (session === renewed) session = undefined;
      });
    }
    return await session;
  };
}

const webIdentityTrust = z.object({
  Statement: z.array(
    z.object({
      Action: z.literal("sts:AssumeRoleWithWebIdentity"),
      Principal: z.object({ Federated: z.string() }),
      Condition: z.object({ StringEquals: z.record(z.string(), z.union([z.string(), z.array(z.string())])) }),
    }),
  ),
});

/** Returns an identity that a role trusts; undefined for a role that trusts no identity provider. */
function trustedIdentity(trustPolicy: string): WebIdentity | undefined {
  const [statement] = webIdentityTrust.safeParse(JSON.parse(trustPolicy)).data?.Statement ?? [];
  if (statement === undefined) return undefined;
  const host = statement.Principal.Federated.replace(/^.*:oidc-provider\//, "");
  const claim = (name: string) => [statement.Condition.StringEquals[`${host}:${name}`] ?? ""].flat()[0];
  return { host, audience: claim("aud"), subject: claim("sub") };
}

function sessionOf(credentials: Credentials | undefined): RoleSession {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = credentials ?? {};
  const { SessionToken: sessionToken, Expiration: expiration } = credentials ?? {};
  if (
    accessKeyId === undefined ||
    secretAccessKey === undefined ||
    sessionToken === undefined ||
    expiration === undefined
  ) {
    throw new Error("STS returned no credentials.");
  }
  return { accessKeyId, secretAccessKey, sessionToken, expiration };
}

/** Time limits of a call, ms. */
const limits = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

function configOf({ url: endpoint, region, credentials }: Access) {
  return { endpoint, region, credentials, requestHandler: limits };
}

async function withSts(
  access: Access,
  call: (sts: STSClient) => Promise<{ readonly Credentials?: Credentials | undefined }>,
): Promise<RoleSession> {
  const sts = new STSClient(configOf(access));
  try {
    return sessionOf((await call(sts)).Credentials);
  } finally {
    sts.destroy();
  }
}

async function withIam<T>(access: Access, task: (iam: IAMClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const iam = new IAMClient(configOf(access));
  try {
    return await task(iam);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    iam.destroy();
  }
}
