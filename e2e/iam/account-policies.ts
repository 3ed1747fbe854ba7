/**
 * The policies of the program and of the bootstrap, from their registrations under Pulumi's mocks, and the principals that they apply to.
 * Four stacks have every setting that changes a policy: `full`, and one in each of the bootstrap's environments.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environments } from "../../infra/bootstrap/environments.ts";
import type { EnvironmentName } from "../../infra/bootstrap/environments.ts";
import { bootstrap } from "../../infra/bootstrap/testing/registered.ts";
import { accountId, region, registrationsOf } from "../../infra/testing/registrations.ts";
import type { Registrations } from "../../infra/testing/registrations.ts";
import { stackConfig } from "../../infra/testing/stacks.ts";
import { normalized } from "./placeholders.ts";

/** One statement of a policy. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy. */
export interface Document {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** The names of a role's policies, and of its permissions boundary. */
export interface Role {
  readonly policies: readonly string[];
  readonly boundary?: string;
}

/** Policies and principals of one account. */
export interface AccountPolicies {
  /** By ARN of the managed policy or of the resource, by ROLE/NAME of the inline policy, or by `trust:` and the role's ARN. */
  readonly documents: Record<string, Document>;
  /** By ARN. */
  readonly roles: Record<string, Role>;
  /** Names of resources' policies by the resource's ARN. */
  readonly attached: Record<string, string>;
  /** Names of trust policies by the role's ARN. */
  readonly trust: Record<string, string>;
}

/** Name of a document that allows everything: the widest policy that a deployment may give to a role. */
export const everything = "everything";

/** Account whose principals may assume the caller role. */
export const callerAccount = "444455556666";

/** The source bucket of the stacks with all settings; the rehearsal has the same bucket. */
export const sourceBucket = {
  bucket: "rehearsal-source",
  prefix: "videos/",
  keyArn: `arn:aws:kms:${region}:${accountId}:key/0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f`,
};

/** Stacks of the bootstrap's environments. */
export const environmentStacks: Readonly<Record<EnvironmentName, string>> = {
  dev: "dev",
  production: "prod",
  ephemeral: "pr-7",
};

/** All stacks. */
export const stackNames = ["local", "full", ...Object.values(environmentStacks)] as const;

const iam = (resource: string): string => `arn:aws:iam::${accountId}:${resource}`;
const regional = (service: string, resource: string): string => `arn:aws:${service}:${region}:${accountId}:${resource}`;

/** Returns the ARN of a role. */
export const roleArn = (name: string): string => iam(`role/${name}`);

const fullSettings: Readonly<Record<string, string>> = {
  sourceBuckets: JSON.stringify([sourceBucket]),
  callerAccountId: callerAccount,
  subnetIds: '["subnet-0a1b2c3"]',
  securityGroupIds: '["sg-0a1b2c3"]',
  rollbackAlarms: '["team-errors"]',
};

/** Number of imports of the program so far: Node evaluates a module once for each URL. */
let imports = 0;

/** Runs the programs under mocks and returns their policies, and the principals. */
export async function currentAccountPolicies(): Promise<AccountPolicies> {
  const folder = await mkdtemp(join(tmpdir(), "iam-"));
  try {
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    const account: AccountPolicies = {
      documents: {
        [everything]: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] },
      },
      roles: {},
      attached: {},
      trust: {},
    };
    const { registrations } = await bootstrap({ sourceBuckets: fullSettings["sourceBuckets"] ?? "" });
    addPolicies(account, registrations, new Map());
    addPolicies(account, await stackRegistrations("local", stackConfig("local", artifact)), new Map());
    addPolicies(account, await stackRegistrations("full", settingsWith(artifact, fullSettings)), new Map());
    for (const { name } of Object.values(environments)) {
      const keyArn = regional("kms", "key/99999999-0000-0000-0000-000000000000");
      const settings = {
        ...fullSettings,
        encryptionKeyArn: keyArn,
        permissionsBoundary: iam(`policy/async-video-${name}-boundary-0a1b2c3`),
      };
      const stack = await stackRegistrations(environmentStacks[name], settingsWith(artifact, settings));
      addPolicies(account, stack, new Map([[keyArn, `alias/async-video-${name}`]]));
      const boundary = iam(`policy/async-video-${name}-boundary-0a1b2c3`);
      const stackPrefix = `video-${environmentStacks[name]}`;
      account.roles[roleArn(`${stackPrefix}-created-0a1b2c3`)] = { policies: [everything], boundary };
      // Limited only by the policies of resources.
      for (const each of [stackPrefix, `async-video-${name}`]) {
        account.roles[roleArn(`${each}-rogue-0a1b2c3`)] = { policies: [everything] };
      }
    }
    for (const stack of stackNames) {
      // Caller and operator have one policy each, which shows what each policy is needed for. The team has both, as
      // `local-operator` of `ops/local/roles.ts` has.
      const policies = ["caller", "operator"].map((kind) => iam(`policy/video-${stack}-${kind}-0a1b2c3`));
      const [caller = "", operator = ""] = policies;
      account.roles[roleArn(`${stack}-caller`)] = { policies: [caller] };
      account.roles[roleArn(`${stack}-operator`)] = { policies: [operator] };
      account.roles[roleArn(`${stack}-team`)] = { policies };
    }
    return account;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const settingsWith = (artifact: string, settings: Readonly<Record<string, string>>): Record<string, string> => {
  const all = { modelArtifact: artifact, ...settings };
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [`async-video-inference:${key}`, value]));
};

async function stackRegistrations(stack: string, config: Record<string, string>): Promise<Registrations> {
  imports += 1;
  const address = `../../infra/index.ts?iam=${imports}`;
  return (await registrationsOf(() => import(address), { stack, config })).registrations;
}

/** Adds the policies and roles of a program. `keys` has the aliases of keys that the program does not create. */
function addPolicies(account: AccountPolicies, registrations: Registrations, keys: ReadonlyMap<string, string>): void {
  const of = (type: string) =>
    registrations.ofType(type).map(({ name, inputs }) => ({ name: `${name}-0a1b2c3`, inputs }));
  const roles = of("aws:iam/role:Role");
  const aliases = of("aws:kms/alias:Alias").map(({ name, inputs }) => {
    const alias = typeof inputs["name"] === "string" ? inputs["name"] : `alias/${name}`;
    return [String(inputs["targetKeyId"]), alias] as const;
  });
  /** Corrects the ARNs of the mocks, whose last part lacks the resource's kind. */
  const read = (value: unknown): string => {
    let text = typeof value === "string" ? value : JSON.stringify(value);
    for (const [id, alias] of aliases) {
      text = text.replaceAll(`${regional("kms", id)}"`, `${regional("kms", `key/${alias.replace("alias/", "")}`)}"`);
    }
    text = text.replaceAll(/(arn:aws:sagemaker:[^:]*:\d+:)(?=video-)/g, "$1endpoint/");
    text = text.replaceAll(/arn:aws:iam:[a-z0-9-]+:(\d+):([a-z0-9-]+)/g, (_, account: string, name: string) => {
      const kind = roles.some((role) => role.name === name) ? "role" : "policy";
      return `arn:aws:iam::${account}:${kind}/${name}`;
    });
    return normalized(text, keys);
  };
  const add = (name: string, document: unknown): string => {
    account.documents[name] = JSON.parse(read(document)) as Document;
    return name;
  };
  const reference = (value: unknown): string => JSON.parse(read(JSON.stringify(value))) as string;
  const policies = new Map<string, string[]>();
  const give = (role: unknown, policy: string): void => {
    policies.set(String(role), [...(policies.get(String(role)) ?? []), policy]);
  };
  for (const { name, inputs } of of("aws:iam/policy:Policy")) add(iam(`policy/${name}`), inputs["policy"]);
  for (const { inputs } of of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")) {
    // A role and its policy may have the same name.
    give(inputs["role"], reference(inputs["policyArn"]).replace(":role/", ":policy/"));
  }
  for (const { name, inputs } of of("aws:iam/rolePolicy:RolePolicy")) {
    give(inputs["role"], add(`${String(inputs["role"])}/${name}`, inputs["policy"]));
  }
  for (const { name, inputs } of roles) {
    const arn = roleArn(name);
    const boundary = inputs["permissionsBoundary"];
    account.roles[arn] = {
      policies: policies.get(name) ?? [],
      ...(boundary === undefined ? {} : { boundary: reference(boundary) }),
    };
    account.trust[arn] = add(`trust:${arn}`, inputs["assumeRolePolicy"]);
  }
  const attach = (arn: string, document: unknown): void => {
    account.attached[arn] = add(arn, document);
  };
  for (const { name, inputs } of of("aws:kms/key:Key")) {
    attach(reference(regional("kms", name)), inputs["policy"]);
  }
  for (const { inputs } of of("aws:s3/bucketPolicy:BucketPolicy")) {
    attach(`arn:aws:s3:::${String(inputs["bucket"])}`, inputs["policy"]);
  }
  for (const { inputs } of of("aws:sns/topicPolicy:TopicPolicy")) attach(String(inputs["arn"]), inputs["policy"]);
  for (const { inputs } of of("aws:sqs/queuePolicy:QueuePolicy")) {
    attach(regional("sqs", String(inputs["queueUrl"]).split("/").at(-1) ?? ""), inputs["policy"]);
  }
}
