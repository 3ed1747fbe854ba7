/** KMS: keys and their aliases. */
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  paginateListAliases,
  paginateListResourceTags,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from "@aws-sdk/client-kms";
import type { AliasListEntry, KeyMetadata, KeySpec, KeyUsageType } from "@aws-sdk/client-kms";
import type { AliasArgs, KeyArgs } from "@pulumi/aws/kms/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { isCode, ProviderError, unlessMissing } from "./errors.ts";
import { flag, number, policy, regional, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { unknown } from "./values.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const gone = "NotFoundException";
/** A key has one policy, of this name. */
const PolicyName = "default";
const symmetric = "SYMMETRIC_DEFAULT";

const keyFields = {
  customerMasterKeySpec: text({ default: symmetric, forceNew: true }),
  keyUsage: text({ default: "ENCRYPT_DECRYPT", forceNew: true }),
  multiRegion: flag({ computed: true, forceNew: true }),
  description: text({ computed: true }),
  enableKeyRotation: flag({ default: false }),
  rotationPeriodInDays: number({ computed: true }),
  isEnabled: flag({ default: true }),
  policy: policy({ computed: true }),
  bypassPolicyLockoutSafetyCheck: flag({ default: false }),
  deletionWindowInDays: number(),
  ...tagged,
  ...regional,
} satisfies Properties<KeyArgs>;

type KeyInputs = Inputs<typeof keyFields>;

function toTags(tags: Record<string, string>) {
  return Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
}

async function rotate(KeyId: string, inputs: KeyInputs, { aws }: Scope): Promise<void> {
  if (!inputs.enableKeyRotation) await aws.kms.send(new DisableKeyRotationCommand({ KeyId }));
  else {
    await aws.kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: inputs.rotationPeriodInDays }));
  }
}

/** A key that waits for its deletion is as good as gone. */
async function describeKey(KeyId: string, { aws }: Scope): Promise<KeyMetadata | undefined> {
  const found = await unlessMissing(aws.kms.send(new DescribeKeyCommand({ KeyId })), gone);
  return found?.KeyMetadata?.KeyState === "PendingDeletion" ? undefined : found?.KeyMetadata;
}

export const key = resource<typeof keyFields>({
  token: "aws:kms/key:Key",
  fields: keyFields,
  outputs: ["arn", "keyId"],
  tagging: {
    async tag({ id }, tags, { aws }) {
      await aws.kms.send(new TagResourceCommand({ KeyId: id, Tags: toTags(tags) }));
    },
    async untag({ id }, TagKeys, { aws }) {
      await aws.kms.send(new UntagResourceCommand({ KeyId: id, TagKeys }));
    },
  },
  async create(inputs, scope) {
    const { KeyMetadata: made } = await scope.aws.kms.send(
      new CreateKeyCommand({
        KeySpec: inputs.customerMasterKeySpec as KeySpec,
        KeyUsage: inputs.keyUsage as KeyUsageType,
        MultiRegion: inputs.multiRegion,
        Description: inputs.description,
        Policy: inputs.policy,
        BypassPolicyLockoutSafetyCheck: inputs.bypassPolicyLockoutSafetyCheck,
        ...(Object.keys(inputs.tagsAll).length === 0 ? {} : { Tags: toTags(inputs.tagsAll) }),
      }),
    );
    const id = made?.KeyId;
    if (id === undefined) throw new ProviderError("CreateKey answered no key");
    scope.created(id);
    if (inputs.enableKeyRotation) await rotate(id, inputs, scope);
    if (!inputs.isEnabled) await scope.aws.kms.send(new DisableKeyCommand({ KeyId: id }));
    return id;
  },
  async read(id, scope) {
    const { kms } = scope.aws;
    const found = await describeKey(id, scope);
    if (found === undefined) return undefined;
    // Only symmetric keys can rotate.
    const rotation =
      found.KeySpec === symmetric ? await kms.send(new GetKeyRotationStatusCommand({ KeyId: id })) : undefined;
    const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId: id, PolicyName }));
    const tags: Record<string, string> = {};
    for await (const page of paginateListResourceTags({ client: kms }, { KeyId: id })) {
      for (const { TagKey, TagValue } of page.Tags ?? []) if (TagKey !== undefined) tags[TagKey] = TagValue ?? "";
    }
    return {
      arn: found.Arn,
      keyId: found.KeyId,
      customerMasterKeySpec: found.KeySpec,
      keyUsage: found.KeyUsage,
      multiRegion: found.MultiRegion ?? false,
      description: found.Description,
      enableKeyRotation: rotation?.KeyRotationEnabled ?? false,
      rotationPeriodInDays: rotation?.RotationPeriodInDays,
      isEnabled: found.Enabled,
      policy: Policy,
      tags,
    };
  },
  async update({ id: KeyId, inputs, changed }, scope) {
    const { kms } = scope.aws;
    // A disabled key takes no other change.
    if (changed.has("isEnabled") && inputs.isEnabled) await kms.send(new EnableKeyCommand({ KeyId }));
    if (changed.has("enableKeyRotation") || changed.has("rotationPeriodInDays")) await rotate(KeyId, inputs, scope);
    if (changed.has("description")) {
      await kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: inputs.description ?? "" }));
    }
    if (changed.has("policy")) {
      const { policy: Policy, bypassPolicyLockoutSafetyCheck: BypassPolicyLockoutSafetyCheck } = inputs;
      await kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName, Policy, BypassPolicyLockoutSafetyCheck }));
    }
    if (changed.has("isEnabled") && !inputs.isEnabled) await kms.send(new DisableKeyCommand({ KeyId }));
  },
  async delete(KeyId, scope, { deletionWindowInDays: PendingWindowInDays }) {
    try {
      await scope.aws.kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }));
    } catch (error) {
      // The second: it waits for its deletion already.
      if (isCode(error, gone, "KMSInvalidStateException")) return;
      throw error;
    }
    while ((await describeKey(KeyId, scope)) !== undefined) await scope.pause();
  },
});

/** The id in a key's ARN, or the id itself. */
const keyId = (key: string): string => key.split(":key/").at(-1) ?? key;

const aliasFields = {
  name: text({ autoName: { max: 238, prefix: "alias/" }, forceNew: true }),
  targetKeyId: text({ required: true, same: (one: string, other: string) => keyId(one) === keyId(other) }),
  ...regional,
} satisfies Properties<AliasArgs>;

async function findAlias(name: string, { aws }: Scope): Promise<AliasListEntry | undefined> {
  for await (const page of paginateListAliases({ client: aws.kms }, {})) {
    const found = page.Aliases?.find(({ AliasName }) => AliasName === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const alias = resource<typeof aliasFields>({
  token: "aws:kms/alias:Alias",
  fields: aliasFields,
  outputs: ["arn", "targetKeyArn"],
  check({ name }) {
    if (typeof name !== "string" || name === unknown || /^alias\/[\w/-]+$/.test(name)) return [];
    return [
      { property: "name", reason: `The name of an alias must be alias/ and letters, digits, / _ -, got ${name}` },
    ];
  },
  async create({ name: AliasName, targetKeyId: TargetKeyId }, { aws }) {
    await aws.kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }));
    return AliasName;
  },
  async read(id, scope) {
    const found = await findAlias(id, scope);
    return (
      found && {
        name: found.AliasName,
        arn: found.AliasArn,
        targetKeyId: found.TargetKeyId,
        targetKeyArn: found.AliasArn?.replace(/:alias\/.*$/, `:key/${found.TargetKeyId ?? ""}`),
      }
    );
  },
  async update({ id: AliasName, inputs: { targetKeyId: TargetKeyId } }, { aws }) {
    await aws.kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId }));
  },
  async delete(AliasName, { aws }) {
    await unlessMissing(aws.kms.send(new DeleteAliasCommand({ AliasName })), gone);
  },
});
