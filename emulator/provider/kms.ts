/** KMS: keys and their aliases. */
import type * as kms from "@pulumi/aws/kms/index.js";
import { crud } from "./crud.ts";
import { booleanField, numberField, policyField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byAnswer, byProperties } from "./row.ts";
import { unknown } from "./values.ts";

/** Name of a key's only policy. */
const policyName = { PolicyName: "default" };
const symmetric = "SYMMETRIC_DEFAULT";

export const key = crud({
  token: "aws:kms/key:Key",
  service: "kms",
  fields: {
    customerMasterKeySpec: stringField({ default: symmetric, forceNew: true, member: "KeySpec" }),
    keyUsage: stringField({ default: "ENCRYPT_DECRYPT", forceNew: true }),
    description: stringField({ computed: true }),
    enableKeyRotation: booleanField({ default: false, member: "KeyRotationEnabled" }),
    isEnabled: booleanField({ default: true, member: "Enabled" }),
    policy: policyField({ computed: true }),
    deletionWindowInDays: numberField({ local: true }),
  } satisfies FieldsOf<kms.KeyArgs>,
  outputs: { arn: stringField(), keyId: stringField() },
  identity: byAnswer("KeyMetadata.KeyId", "KeyId"),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListResourceTags" },
  create: { operation: "CreateKey" },
  read: [
    { operation: "DescribeKey", at: "KeyMetadata" },
    // Only symmetric keys can rotate.
    { operation: "GetKeyRotationStatus", when: ({ KeySpec }) => KeySpec === symmetric },
    { operation: "GetKeyPolicy", input: policyName },
  ],
  isMissing: ({ KeyState }) => KeyState === "PendingDeletion",
  update: [
    // A disabled key accepts no other change.
    { properties: ["isEnabled"], set: "EnableKey" },
    { properties: ["enableKeyRotation"], set: "EnableKeyRotation", clear: "DisableKeyRotation" },
    { properties: ["description"], set: "UpdateKeyDescription" },
    { properties: ["policy"], set: "PutKeyPolicy", input: policyName },
    { properties: ["isEnabled"], clear: "DisableKey" },
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

export const alias = crud({
  token: "aws:kms/alias:Alias",
  service: "kms",
  fields: {
    name: stringField({ autoName: { max: 238, prefix: "alias/" }, forceNew: true, member: "AliasName" }),
    targetKeyId: stringField({
      required: true,
      same: (one: string, other: string) => keyId(one) === keyId(other),
    }),
  } satisfies FieldsOf<kms.AliasArgs>,
  outputs: { arn: stringField({ member: "AliasArn" }), targetKeyArn: stringField() },
  identity: byProperties(["name"]),
  check({ name }) {
    if (typeof name !== "string" || name === unknown || /^alias\/[\w/-]+$/.test(name)) return [];
    return [
      { property: "name", reason: `The name of an alias must be alias/ and letters, digits, / _ -, got ${name}` },
    ];
  },
  create: { operation: "CreateAlias" },
  read: [{ operation: "ListAliases", at: "Aliases", find: "name" }],
  derive: ({ AliasArn: arn, TargetKeyId: target }) => ({
    targetKeyArn: String(arn).replace(/:alias\/.*$/, `:key/${String(target)}`),
  }),
  update: [{ put: "UpdateAlias" }],
  delete: { operation: "DeleteAlias" },
  notFoundCodes: ["NotFoundException"],
});
