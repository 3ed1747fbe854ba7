/** The recording of `npm run iam:record`: the calls that its commands made, and hashes of the policies that decided. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import type { Call } from "./replay.ts";
import type { Document, AccountPolicies } from "./account-policies.ts";

/** Path of the committed recording. */
export const recordingFile = join(repoRoot, "emulator", "iam", "recording.json");

/** A recorded call. */
export interface RecordedCall extends Call {
  readonly allowed: boolean;
}

const caller = z.union([
  z.strictObject({ role: z.string() }),
  z.strictObject({
    service: z.string(),
    sourceArn: z.string().exactOptional(),
    sourceAccount: z.string().exactOptional(),
  }),
  z.strictObject({ provider: z.string(), audience: z.string(), subject: z.string() }),
  z.strictObject({ user: z.string() }),
  z.strictObject({ anonymous: z.literal("true") }),
]);

const schema = z.object({
  /** Hashes of the policies in force, by the names that they have in `AccountPolicies`. */
  policies: z.record(z.string(), z.string()),
  calls: z.array(
    z.object({
      caller,
      action: z.string(),
      resource: z.string(),
      context: z.record(z.string(), z.unknown()),
      allowed: z.boolean(),
    }),
  ),
});

/** A recording. */
export interface Recording {
  readonly policies: Readonly<Record<string, string>>;
  readonly calls: readonly RecordedCall[];
}

/** The recording was made with other policies. Exit status 2. */
export class StaleRecording extends UserError {
  override readonly name = "StaleRecording";
}

/** Reads the committed recording. */
export async function readRecording(): Promise<Recording> {
  return schema.parse(JSON.parse(await readFile(recordingFile, "utf8")));
}

/** Returns the hash of a policy, which does not depend on the order of members. */
export function hashOf(document: Document): string {
  return createHash("sha256").update(canonical(document)).digest("hex").slice(0, 16);
}

/** Returns JSON with sorted members, and lists of one item as the item: AWS does not distinguish them. */
export function canonical(value: unknown): string {
  return JSON.stringify(ordered(value));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? ordered(value[0]) : value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, ordered(member)]));
}

/**
 * Checks that the recording was made with the program's policies.
 * @throws StaleRecording with the policies that differ
 */
export function checkFresh(recording: Recording, account: AccountPolicies): void {
  const changed = Object.entries(recording.policies).flatMap(([name, hash]) => {
    const document = account.documents[name];
    if (document === undefined) return [`${name} (removed)`];
    return hashOf(document) === hash ? [] : [name];
  });
  if (changed.length === 0) return;
  throw new StaleRecording(
    `The recorded calls were decided by other policies than the program has now:\n${changed.map((name) => `  ${name}`).join("\n")}\n` +
      "Record the calls again: npm run iam:record",
  );
}
