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

/** Roles of the stack `local` by their short names, and the output with the policy that is attached to each. */
const localRoles = {
  caller: { name: "local-caller", policy: "callerPolicyArn" },
  operator: { name: "local-operator", policy: "operatorPolicyArn" },
} as const;

/** The role that workflows assume to deploy an environment (infra/bootstrap), with Pulumi's suffix. */
const deployRole = /^async-video-[a-z]+-deploy(-[0-9a-f]{7})?$/;

const policyOutputs = z.object({ callerPolicyArn: z.string(), operatorPolicyArn: z.string() });

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
  const policies = policyOutputs.parse(outputs);
  await withIam(
    access,
    async (iam) => {
      for (const { name: RoleName, policy } of Object.values(localRoles)) {
        const Principal = { AWS: `arn:aws:iam::${access.accountId}:root` };
        const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "sts:AssumeRole" }] };
        try {
          await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
        } catch (error) {
          if (!(error instanceof EntityAlreadyExistsException)) throw error;
        }
        await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: policies[policy] }));
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
  const [RoleArn, RoleSessionName] = [found.Arn, "local-env"];
  const WebIdentityToken = webIdentityToken(decodeURIComponent(found.AssumeRolePolicyDocument ?? "{}"));
  const sts = new STSClient(configOf(access));
  try {
    const { Credentials: credentials } =
      WebIdentityToken === undefined
        ? await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName }))
        : await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName, WebIdentityToken }));
    return sessionOf(credentials);
  } finally {
    sts.destroy();
  }
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

/**
 * Returns a token for a role that trusts an identity provider; undefined for another role. The emulator does not verify a
 * token's signature.
 */
function webIdentityToken(trustPolicy: string): string | undefined {
  const [statement] = webIdentityTrust.safeParse(JSON.parse(trustPolicy)).data?.Statement ?? [];
  if (statement === undefined) return undefined;
  const host = statement.Principal.Federated.replace(/^.*:oidc-provider\//, "");
  const claim = (name: string) => [statement.Condition.StringEquals[`${host}:${name}`] ?? ""].flat()[0];
  const claims = { iss: `https://${host}`, aud: claim("aud"), sub: claim("sub") };
  const encoded = [{ alg: "none" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return `${encoded.join(".")}.`;
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

function configOf({ url: endpoint, region, credentials }: Access) {
  return { endpoint, region, credentials };
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
