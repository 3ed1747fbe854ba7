/** IAM: roles, their inline policies, managed policies, attachments, and identity providers. */
import type * as iam from "@pulumi/aws/iam/index.js";
import { attachment, crud, put } from "./crud.ts";
import type { Members } from "./mapping.ts";
import { booleanField, listField, numberField, policyField, setField, stringField, stringItem } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import type { Scope, Update } from "./resource.ts";
import { byAnswer, byProperties } from "./row.ts";
import { isRecord } from "./values.ts";

const common = { service: "iam", notFoundCodes: ["NoSuchEntityException"] } as const;

const roleName = stringField({ required: true, forceNew: true, member: "RoleName" });

/** Returns one member of all entries of a list, from all pages. */
async function listed(
  { aws }: Scope,
  operation: "ListAttachedRolePolicies" | "ListRolePolicies",
  RoleName: string,
): Promise<string[]> {
  const found: unknown[] = [];
  for await (const page of aws.pages("iam", operation, { RoleName })) {
    const entries = page["AttachedPolicies"] ?? page["PolicyNames"];
    for (const entry of Array.isArray(entries) ? entries : []) found.push(isRecord(entry) ? entry["PolicyArn"] : entry);
  }
  return found.map(String);
}

export const role = crud({
  ...common,
  token: "aws:iam/role:Role",
  fields: {
    name: stringField({ autoName: { max: 64 }, forceNew: true, member: "RoleName" }),
    path: stringField({ default: "/", forceNew: true }),
    assumeRolePolicy: policyField({ required: true, member: ["AssumeRolePolicyDocument", "PolicyDocument"] }),
    description: stringField(),
    forceDetachPolicies: booleanField({ default: false, local: true }),
    maxSessionDuration: numberField({ default: 3_600 }),
    permissionsBoundary: stringField({ member: ["PermissionsBoundary.PermissionsBoundaryArn", "PermissionsBoundary"] }),
  } satisfies FieldsOf<iam.RoleArgs>,
  outputs: {
    arn: stringField(),
    createDate: stringField(),
    inlinePolicies: listField(stringField()),
    managedPolicyArns: listField(stringField()),
    uniqueId: stringField({ member: "RoleId" }),
  },
  identity: byProperties(["name"]),
  tags: { set: "TagRole", remove: "UntagRole" },
  create: {
    operation: "CreateRole",
    retryCodes: [{ code: "MalformedPolicyDocumentException", says: "Invalid principal in policy" }],
  },
  read: [{ operation: "GetRole", at: "Role" }],
  async derive(_answer, scope, RoleName) {
    const inlinePolicies = [];
    for (const name of await listed(scope, "ListRolePolicies", RoleName)) {
      const held = await scope.aws.call("iam", "GetRolePolicy", { RoleName, PolicyName: name });
      inlinePolicies.push({ name, policy: decodeURIComponent(String(held["PolicyDocument"])) });
    }
    return { inlinePolicies, managedPolicyArns: await listed(scope, "ListAttachedRolePolicies", RoleName) };
  },
  update: [
    { properties: ["assumeRolePolicy"], set: "UpdateAssumeRolePolicy" },
    { properties: ["description"], set: "UpdateRoleDescription" },
    { properties: ["maxSessionDuration"], set: "UpdateRole" },
    {
      properties: ["permissionsBoundary"],
      set: "PutRolePermissionsBoundary",
      clear: "DeleteRolePermissionsBoundary",
    },
  ],
  delete: {
    operation: "DeleteRole",
    async before(RoleName, scope, known) {
      const { InstanceProfiles: profiles } = await scope.aws.call("iam", "ListInstanceProfilesForRole", { RoleName });
      for (const profile of Array.isArray(profiles) ? profiles.filter(isRecord) : []) {
        const { InstanceProfileName } = profile;
        await scope.aws.call("iam", "RemoveRoleFromInstanceProfile", { RoleName, InstanceProfileName });
      }
      if (known["forceDetachPolicies"] !== true) return;
      for (const PolicyArn of await listed(scope, "ListAttachedRolePolicies", RoleName)) {
        await scope.aws.call("iam", "DetachRolePolicy", { RoleName, PolicyArn });
      }
      for (const PolicyName of await listed(scope, "ListRolePolicies", RoleName)) {
        await scope.aws.call("iam", "DeleteRolePolicy", { RoleName, PolicyName });
      }
    },
  },
});

export const rolePolicy = put({
  ...common,
  token: "aws:iam/rolePolicy:RolePolicy",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "PolicyName" }),
    role: roleName,
    policy: policyField({ required: true, member: "PolicyDocument" }),
  } satisfies FieldsOf<iam.RolePolicyArgs>,
  identity: byProperties(["role", "name"], ":"),
  put: "PutRolePolicy",
  read: [{ operation: "GetRolePolicy" }],
  delete: { operation: "DeleteRolePolicy" },
});

/** IAM keeps up to five versions of a policy. */
const maxVersions = 5;

/** Returns all versions of a policy except the default one, oldest first, and the total number. */
async function versions(PolicyArn: string, { aws }: Scope): Promise<{ others: Members[]; count: number }> {
  const { Versions } = await aws.call("iam", "ListPolicyVersions", { PolicyArn });
  const all = Array.isArray(Versions) ? Versions.filter(isRecord) : [];
  const others = all.filter((version) => version["IsDefaultVersion"] !== true);
  const made = ({ CreateDate: date }: Members): number => (date instanceof Date ? date.getTime() : 0);
  return { others: others.sort((one, other) => made(one) - made(other)), count: all.length };
}

export const managedPolicy = crud({
  ...common,
  token: "aws:iam/policy:Policy",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "PolicyName" }),
    path: stringField({ default: "/", forceNew: true }),
    description: stringField({ forceNew: true }),
    policy: policyField({ required: true, member: ["PolicyDocument", "PolicyVersion.Document"] }),
  } satisfies FieldsOf<iam.PolicyArgs>,
  outputs: { arn: stringField(), attachmentCount: numberField(), policyId: stringField() },
  identity: byAnswer("Policy.Arn", "PolicyArn"),
  tags: { set: "TagPolicy", remove: "UntagPolicy" },
  create: { operation: "CreatePolicy" },
  read: [
    { operation: "GetPolicy", at: "Policy" },
    { operation: "GetPolicyVersion", input: ({ DefaultVersionId: VersionId }) => ({ VersionId }) },
  ],
  async update({ id: PolicyArn, inputs }: Update, scope: Scope) {
    const { others, count } = await versions(PolicyArn, scope);
    const oldest = others[0];
    if (count >= maxVersions && oldest !== undefined) {
      await scope.aws.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId: oldest["VersionId"] });
    }
    const { policy: PolicyDocument } = inputs;
    await scope.aws.call("iam", "CreatePolicyVersion", { PolicyArn, PolicyDocument, SetAsDefault: true });
  },
  delete: {
    operation: "DeletePolicy",
    async before(PolicyArn, scope) {
      for (const { VersionId } of (await versions(PolicyArn, scope)).others) {
        await scope.aws.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId });
      }
    },
  },
});

export const rolePolicyAttachment = attachment({
  ...common,
  token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  fields: {
    role: roleName,
    policyArn: stringField({ required: true, forceNew: true }),
  } satisfies FieldsOf<iam.RolePolicyAttachmentArgs>,
  identity: byProperties(["role", "policyArn"]),
  create: { operation: "AttachRolePolicy" },
  read: [{ operation: "ListAttachedRolePolicies", at: "AttachedPolicies", find: "policyArn" }],
  delete: { operation: "DetachRolePolicy" },
});

/** Removes the scheme of an issuer, as IAM does. */
const issuer = (url: string): string => url.replace(/^https:\/\//, "");

export const openIdConnectProvider = crud({
  ...common,
  token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
  fields: {
    url: stringField({
      required: true,
      forceNew: true,
      same: (one: string, other: string) => issuer(one) === issuer(other),
    }),
    clientIdLists: setField(stringItem, { required: true }),
  } satisfies FieldsOf<iam.OpenIdConnectProviderArgs>,
  outputs: { arn: stringField() },
  identity: byAnswer("OpenIDConnectProviderArn"),
  tags: { set: "TagOpenIDConnectProvider", remove: "UntagOpenIDConnectProvider" },
  create: { operation: "CreateOpenIDConnectProvider" },
  read: [{ operation: "GetOpenIDConnectProvider" }],
  derive: (_answer, _scope, arn) => ({ arn }),
  async update({ id: OpenIDConnectProviderArn, inputs, before }: Update, { aws }: Scope) {
    const [olds = [], news = []] = [before, inputs].map(({ clientIdLists: ids }) =>
      Array.isArray(ids) ? ids.map(String) : [],
    );
    for (const ClientID of news.filter((each) => !olds.includes(each))) {
      await aws.call("iam", "AddClientIDToOpenIDConnectProvider", { OpenIDConnectProviderArn, ClientID });
    }
    for (const ClientID of olds.filter((each) => !news.includes(each))) {
      await aws.call("iam", "RemoveClientIDFromOpenIDConnectProvider", { OpenIDConnectProviderArn, ClientID });
    }
  },
  delete: { operation: "DeleteOpenIDConnectProvider" },
});
