/** KMS: keys and their aliases. */
import type * as kms from "@pulumi/aws/kms/index.js";
import { crud } from "./crud.ts";
import { booleanField, numberField, policyField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byAnswer, byProperties } from "./row.ts";

/** Name of a key's only policy. */
const policyName = { PolicyName: "default" };

/** A symmetric key. */
export const key = crud({
  token: "aws:kms/key:Key",
  service: "kms",
  fields: {
    description: stringField({ computed: true }),
    enableKeyRotation: booleanField({ default: false, member: "KeyRotationEnabled" }),
    policy: policyField({ computed: true }),
    deletionWindowInDays: numberField({ local: true }),
  } satisfies FieldsOf<kms.KeyArgs>,
  outputs: { arn: stringField(), keyId: stringField() },
  identity: byAnswer("KeyMetadata.KeyId", "KeyId"),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListResourceTags" },
  create: { operation: "CreateKey" },
  read: [
    { operation: "DescribeKey", at: "KeyMetadata" },
    { operation: "GetKeyRotationStatus" },
    { operation: "GetKeyPolicy", input: policyName },
  ],
  isMissing: ({ KeyState }) => KeyState === "PendingDeletion",
  update: [
    { property: "enableKeyRotation", set: "EnableKeyRotation", clear: "DisableKeyRotation" },
    { property: "description", set: "UpdateKeyDescription" },
    { property: "policy", set: "PutKeyPolicy", input: policyName },
  ],
  delete: {
    operation: "ScheduleKeyDeletion",
    input: ({ deletionWindowInDays: PendingWindowInDays }) => ({ PendingWindowInDays }),
    // It is waiting for its deletion already.
    notFoundCodes: ["KMSInvalidStateException"],
    awaited: true,
  },
  notFoundCodes: ["NotFoundException"],
});

/** Returns the id in a key's ARN, or the id itself. */
const keyId = (key: string): string => key.split(":key/").at(-1) ?? key;

/** A name of a key. */
export const alias = crud({
  token: "aws:kms/alias:Alias",
  service: "kms",
  fields: {
    name: stringField({
      autoName: { max: 238, prefix: "alias/" },
      forceNew: true,
      matches: [/^alias\/[\w/-]+$/, "alias/ and letters, digits, / _ -"],
      member: "AliasName",
    }),
    targetKeyId: stringField({ required: true, same: (one: string, other: string) => keyId(one) === keyId(other) }),
  } satisfies FieldsOf<kms.AliasArgs>,
  outputs: { arn: stringField({ member: "AliasArn" }), targetKeyArn: stringField() },
  identity: byProperties(["name"]),
  create: { operation: "CreateAlias" },
  read: [{ operation: "ListAliases", at: "Aliases", find: "name" }],
  derive: ({ AliasArn: arn, TargetKeyId: target }) => ({
    targetKeyArn: String(arn).replace(/:alias\/.*$/, `:key/${String(target)}`),
  }),
  update: [{ put: "UpdateAlias" }],
  delete: { operation: "DeleteAlias" },
  notFoundCodes: ["NotFoundException"],
});
