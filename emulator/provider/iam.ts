/** IAM: roles, their inline policies, managed policies, attachments, and identity providers. */
import type * as iam from "@pulumi/aws/iam/index.js";
import { attachment, crud, put } from "./crud.ts";
import type { Members } from "./mapping.ts";
import { listField, numberField, policyField, setField, stringField, stringItem } from "./properties.ts";
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
  const found: string[] = [];
  for await (const { AttachedPolicies, PolicyNames } of aws.pages("iam", operation, { RoleName })) {
    const entries = [AttachedPolicies ?? PolicyNames ?? []].flat();
    found.push(...entries.map((entry: unknown) => String(isRecord(entry) ? entry["PolicyArn"] : entry)));
  }
  return found;
}

/** A role. */
export const role = crud({
  ...common,
  token: "aws:iam/role:Role",
  fields: {
    name: stringField({ autoName: { max: 64 }, forceNew: true, member: "RoleName" }),
    path: stringField({ default: "/", forceNew: true }),
    assumeRolePolicy: policyField({ required: true, member: ["AssumeRolePolicyDocument", "PolicyDocument"] }),
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
    { property: "assumeRolePolicy", set: "UpdateAssumeRolePolicy" },
    { property: "maxSessionDuration", set: "UpdateRole" },
    { property: "permissionsBoundary", set: "PutRolePermissionsBoundary", clear: "DeleteRolePermissionsBoundary" },
  ],
  delete: {
    operation: "DeleteRole",
    async before(RoleName, scope) {
      const { InstanceProfiles } = await scope.aws.call("iam", "ListInstanceProfilesForRole", { RoleName });
      for (const { InstanceProfileName } of [InstanceProfiles].flat().filter(isRecord)) {
        await scope.aws.call("iam", "RemoveRoleFromInstanceProfile", { RoleName, InstanceProfileName });
      }
    },
  },
});

/** A policy that is a part of one role. */
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

/** Returns all versions of a policy except the default one, oldest first. */
async function otherVersions(PolicyArn: string, { aws }: Scope): Promise<Members[]> {
  const { Versions } = await aws.call("iam", "ListPolicyVersions", { PolicyArn });
  const all = [Versions].flat().filter(isRecord);
  const made = ({ CreateDate: date }: Members): number => (date instanceof Date ? date.getTime() : 0);
  return all.filter((version) => version["IsDefaultVersion"] !== true).sort((one, other) => made(one) - made(other));
}

/** A managed policy; an update creates its next version. */
export const managedPolicy = crud({
  ...common,
  token: "aws:iam/policy:Policy",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "PolicyName" }),
    path: stringField({ default: "/", forceNew: true }),
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
    const others = await otherVersions(PolicyArn, scope);
    if (others.length + 1 >= maxVersions) {
      await scope.aws.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId: others[0]?.["VersionId"] });
    }
    const version = { PolicyArn, PolicyDocument: inputs["policy"], SetAsDefault: true };
    await scope.aws.call("iam", "CreatePolicyVersion", version);
  },
  delete: {
    operation: "DeletePolicy",
    async before(PolicyArn, scope) {
      for (const { VersionId } of await otherVersions(PolicyArn, scope)) {
        await scope.aws.call("iam", "DeletePolicyVersion", { PolicyArn, VersionId });
      }
    },
  },
});

/** The attachment of a managed policy to a role. */
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

/** An identity provider whose tokens roles can trust. */
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
    const [olds = [], news = []] = [before, inputs].map(({ clientIdLists: ids }) => [ids ?? []].flat());
    for (const ClientID of news.filter((each) => !olds.includes(each))) {
      await aws.call("iam", "AddClientIDToOpenIDConnectProvider", { OpenIDConnectProviderArn, ClientID });
    }
    for (const ClientID of olds.filter((each) => !news.includes(each))) {
      await aws.call("iam", "RemoveClientIDFromOpenIDConnectProvider", { OpenIDConnectProviderArn, ClientID });
    }
  },
  delete: { operation: "DeleteOpenIDConnectProvider" },
});
