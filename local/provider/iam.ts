/** IAM: roles, their inline policies, managed policies and attachments. */
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListInstanceProfilesForRoleCommand,
  ListPolicyVersionsCommand,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagPolicyCommand,
  TagRoleCommand,
  UntagPolicyCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
  UpdateRoleDescriptionCommand,
} from "@aws-sdk/client-iam";
import type { PolicyArgs, RoleArgs, RolePolicyArgs, RolePolicyAttachmentArgs } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { isCode, ProviderError, unlessMissing } from "./errors.ts";
import { flag, number, policy, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { retry } from "./retry.ts";
import { fromTagList, toTagList } from "./tags.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const gone = "NoSuchEntityException";

/** IAM answers policies as URL-encoded JSON. */
const decoded = (document: string | undefined): string | undefined => document && decodeURIComponent(document);

const roleFields = {
  name: text({ autoName: { max: 64 }, forceNew: true }),
  path: text({ default: "/", forceNew: true }),
  assumeRolePolicy: policy({ required: true }),
  description: text(),
  forceDetachPolicies: flag({ default: false }),
  maxSessionDuration: number({ default: 3_600 }),
  permissionsBoundary: text(),
  ...tagged,
} satisfies Properties<RoleArgs>;

async function attachedPolicies({ aws }: Scope, RoleName: string): Promise<string[]> {
  const arns: string[] = [];
  for await (const page of paginateListAttachedRolePolicies({ client: aws.iam }, { RoleName })) {
    arns.push(...(page.AttachedPolicies ?? []).flatMap(({ PolicyArn }) => PolicyArn ?? []));
  }
  return arns;
}

async function inlinePolicies({ aws }: Scope, RoleName: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of paginateListRolePolicies({ client: aws.iam }, { RoleName })) {
    names.push(...(page.PolicyNames ?? []));
  }
  return names;
}

export const role = resource<typeof roleFields>({
  token: "aws:iam/role:Role",
  fields: roleFields,
  outputs: ["arn", "createDate", "inlinePolicies", "managedPolicyArns", "uniqueId"],
  tagging: {
    async tag({ id }, tags, { aws }) {
      await aws.iam.send(new TagRoleCommand({ RoleName: id, Tags: toTagList(tags) }));
    },
    async untag({ id }, TagKeys, { aws }) {
      await aws.iam.send(new UntagRoleCommand({ RoleName: id, TagKeys }));
    },
  },
  async create(inputs, scope) {
    const command = new CreateRoleCommand({
      RoleName: inputs.name,
      Path: inputs.path,
      AssumeRolePolicyDocument: inputs.assumeRolePolicy,
      Description: inputs.description,
      MaxSessionDuration: inputs.maxSessionDuration,
      PermissionsBoundary: inputs.permissionsBoundary,
      Tags: toTagList(inputs.tagsAll),
    });
    const passes = (error: unknown): boolean =>
      isCode(error, "MalformedPolicyDocumentException") && error.reason.includes("Invalid principal in policy");
    await retry(scope, passes, () => scope.aws.iam.send(command));
    return inputs.name;
  },
  async read(id, scope) {
    const found = await unlessMissing(scope.aws.iam.send(new GetRoleCommand({ RoleName: id })), gone);
    const got = found?.Role;
    if (got === undefined) return undefined;
    const inline: { name: string; policy: string | undefined }[] = [];
    for (const name of await inlinePolicies(scope, id)) {
      const held = await scope.aws.iam.send(new GetRolePolicyCommand({ RoleName: id, PolicyName: name }));
      inline.push({ name, policy: decoded(held.PolicyDocument) });
    }
    return {
      name: got.RoleName,
      path: got.Path,
      arn: got.Arn,
      assumeRolePolicy: decoded(got.AssumeRolePolicyDocument),
      description: got.Description,
      maxSessionDuration: got.MaxSessionDuration,
      permissionsBoundary: got.PermissionsBoundary?.PermissionsBoundaryArn,
      createDate: got.CreateDate,
      uniqueId: got.RoleId,
      inlinePolicies: inline,
      managedPolicyArns: await attachedPolicies(scope, id),
      tags: fromTagList(got.Tags),
    };
  },
  async update({ id: RoleName, inputs, changed }, scope) {
    const { iam } = scope.aws;
    if (changed.has("assumeRolePolicy")) {
      await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: inputs.assumeRolePolicy }));
    }
    if (changed.has("description")) {
      await iam.send(new UpdateRoleDescriptionCommand({ RoleName, Description: inputs.description ?? "" }));
    }
    if (changed.has("maxSessionDuration")) {
      await iam.send(new UpdateRoleCommand({ RoleName, MaxSessionDuration: inputs.maxSessionDuration }));
    }
    if (changed.has("permissionsBoundary")) {
      const { permissionsBoundary: PermissionsBoundary } = inputs;
      await (PermissionsBoundary === undefined || PermissionsBoundary === ""
        ? iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName }))
        : iam.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary })));
    }
  },
  async delete(RoleName, scope, { forceDetachPolicies }) {
    const { iam } = scope.aws;
    const profiles = await unlessMissing(iam.send(new ListInstanceProfilesForRoleCommand({ RoleName })), gone);
    if (profiles === undefined) return;
    for (const { InstanceProfileName } of profiles.InstanceProfiles ?? []) {
      await iam.send(new RemoveRoleFromInstanceProfileCommand({ RoleName, InstanceProfileName }));
    }
    if (forceDetachPolicies === true) {
      for (const PolicyArn of await attachedPolicies(scope, RoleName)) {
        await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
      }
      for (const PolicyName of await inlinePolicies(scope, RoleName)) {
        await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
      }
    }
    await unlessMissing(iam.send(new DeleteRoleCommand({ RoleName })), gone);
  },
});

const rolePolicyFields = {
  name: text({ autoName: { max: 255 }, forceNew: true }),
  role: text({ required: true, forceNew: true }),
  policy: policy({ required: true }),
} satisfies Properties<RolePolicyArgs>;

/** Role and policy of `role:name`; a role's name has no colon. */
function rolePolicyNames(id: string): { RoleName: string; PolicyName: string } {
  const colon = id.indexOf(":");
  return { RoleName: id.slice(0, colon), PolicyName: id.slice(colon + 1) };
}

async function putRolePolicy(inputs: Inputs<typeof rolePolicyFields>, { aws }: Scope): Promise<string> {
  const { role: RoleName, name: PolicyName, policy: PolicyDocument } = inputs;
  await aws.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  return `${RoleName}:${PolicyName}`;
}

export const rolePolicy = resource<typeof rolePolicyFields>({
  token: "aws:iam/rolePolicy:RolePolicy",
  fields: rolePolicyFields,
  outputs: [],
  create: putRolePolicy,
  async read(id, { aws }) {
    const found = await unlessMissing(aws.iam.send(new GetRolePolicyCommand(rolePolicyNames(id))), gone);
    return found && { role: found.RoleName, name: found.PolicyName, policy: decoded(found.PolicyDocument) };
  },
  update: ({ inputs }, scope) => putRolePolicy(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(aws.iam.send(new DeleteRolePolicyCommand(rolePolicyNames(id))), gone);
  },
});

const policyFields = {
  name: text({ autoName: { max: 255 }, forceNew: true }),
  path: text({ default: "/", forceNew: true }),
  description: text({ forceNew: true }),
  policy: policy({ required: true }),
  ...tagged,
} satisfies Properties<PolicyArgs>;

/** IAM keeps five versions of a policy. */
const mostVersions = 5;

async function versions(PolicyArn: string, { aws }: Scope) {
  const { Versions } = await aws.iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
  return Versions ?? [];
}

export const managedPolicy = resource<typeof policyFields>({
  token: "aws:iam/policy:Policy",
  fields: policyFields,
  outputs: ["arn", "attachmentCount", "policyId"],
  tagging: {
    async tag({ id }, tags, { aws }) {
      await aws.iam.send(new TagPolicyCommand({ PolicyArn: id, Tags: toTagList(tags) }));
    },
    async untag({ id }, TagKeys, { aws }) {
      await aws.iam.send(new UntagPolicyCommand({ PolicyArn: id, TagKeys }));
    },
  },
  async create(inputs, { aws }) {
    const { Policy } = await aws.iam.send(
      new CreatePolicyCommand({
        PolicyName: inputs.name,
        Path: inputs.path,
        Description: inputs.description,
        PolicyDocument: inputs.policy,
        Tags: toTagList(inputs.tagsAll),
      }),
    );
    if (Policy?.Arn === undefined) throw new ProviderError("CreatePolicy answered no ARN");
    return Policy.Arn;
  },
  async read(id, { aws }) {
    const found = await unlessMissing(aws.iam.send(new GetPolicyCommand({ PolicyArn: id })), gone);
    const got = found?.Policy;
    if (got === undefined) return undefined;
    const version = await aws.iam.send(new GetPolicyVersionCommand({ PolicyArn: id, VersionId: got.DefaultVersionId }));
    return {
      name: got.PolicyName,
      path: got.Path,
      arn: got.Arn,
      description: got.Description,
      policy: decoded(version.PolicyVersion?.Document),
      policyId: got.PolicyId,
      attachmentCount: got.AttachmentCount,
      tags: fromTagList(got.Tags),
    };
  },
  async update({ id: PolicyArn, inputs, changed }, scope) {
    if (!changed.has("policy")) return;
    const held = await versions(PolicyArn, scope);
    const oldest = held
      .filter((version) => version.IsDefaultVersion !== true)
      .sort((a, b) => (a.CreateDate?.getTime() ?? 0) - (b.CreateDate?.getTime() ?? 0))[0];
    if (held.length >= mostVersions && oldest !== undefined) {
      await scope.aws.iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId: oldest.VersionId }));
    }
    await scope.aws.iam.send(
      new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: inputs.policy, SetAsDefault: true }),
    );
  },
  async delete(PolicyArn, scope) {
    const held = await unlessMissing(versions(PolicyArn, scope), gone);
    for (const { VersionId, IsDefaultVersion } of held ?? []) {
      if (IsDefaultVersion !== true) {
        await scope.aws.iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }));
      }
    }
    await unlessMissing(scope.aws.iam.send(new DeletePolicyCommand({ PolicyArn })), gone);
  },
});

const attachmentFields = {
  role: text({ required: true, forceNew: true }),
  policyArn: text({ required: true, forceNew: true }),
} satisfies Properties<RolePolicyAttachmentArgs>;

/** Role and policy of `role/policyArn`. */
function attachmentNames(id: string): { RoleName: string; PolicyArn: string } {
  const slash = id.indexOf("/");
  return { RoleName: id.slice(0, slash), PolicyArn: id.slice(slash + 1) };
}

export const rolePolicyAttachment = resource<typeof attachmentFields>({
  token: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  fields: attachmentFields,
  outputs: [],
  // Attaching is idempotent: an attachment made first would be undone by the old one's deletion.
  deleteBeforeReplace: true,
  async create({ role: RoleName, policyArn: PolicyArn }, { aws }) {
    await aws.iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    return `${RoleName}/${PolicyArn}`;
  },
  async read(id, scope) {
    const { RoleName, PolicyArn } = attachmentNames(id);
    const attached = await unlessMissing(attachedPolicies(scope, RoleName), gone);
    return attached?.includes(PolicyArn) === true ? { role: RoleName, policyArn: PolicyArn } : undefined;
  },
  async delete(id, { aws }) {
    await unlessMissing(aws.iam.send(new DetachRolePolicyCommand(attachmentNames(id))), gone);
  },
});
