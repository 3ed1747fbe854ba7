/** Names in recordings and in policy documents: an account, a region and random parts that do not depend on the deployment. */
import { accountId, region } from "../../infra/testing/registrations.ts";

/** Number and region of the emulator's account, and those of the mocks, which stand for them. */
const places = [
  ["000000000000", accountId],
  ["us-east-1", region],
] as const;

/** Random parts of names, and their placeholders. */
const randomParts: readonly (readonly [RegExp, string])[] = [
  // Version IDs, job IDs and KMS's key IDs.
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f"],
  // Hashes of artifacts and videos, and InferenceIds.
  [/\b[0-9a-f]{20,64}\b/g, "0a1b2c3d"],
  // Jobs of a burst.
  [/\bburst-[0-9a-z]+-\d+/g, "burst-0a1b2c3-01"],
  // IDs of scalable targets and instances.
  [/scalable-target\/[0-9a-z]+/g, "scalable-target/0a1b2c3d"],
  [/\bi-[0-9a-f]{8,17}\b/g, "i-0a1b2c3d"],
  // Pull requests.
  [/\bpr-\d+(?=[-"])/g, "pr-7"],
  // Pulumi's suffixes, and those of temporary queues.
  [/-[0-9a-f]{7,8}(?![0-9a-zA-Z])/g, "-0a1b2c3"],
  [/-[0-9]{10,13}(?=-|$|")/g, "-0"],
];

/**
 * Returns a text with placeholders for the account, the region and random parts of names.
 * @param keys ARNs of KMS keys, and the names of their aliases, which stand for their IDs
 */
export function normalized(text: string, keys: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [arn, alias] of keys) result = result.replaceAll(arn, keyArnOf(arn, alias));
  for (const [actual, placeholder] of places) result = result.replaceAll(actual, placeholder);
  for (const [part, placeholder] of randomParts) result = result.replaceAll(part, placeholder);
  return result;
}

function keyArnOf(arn: string, alias: string): string {
  const account = arn.split(":").slice(0, 5).join(":");
  return `${account}:key/${alias.replace(/^.*alias\//, "")}`;
}
