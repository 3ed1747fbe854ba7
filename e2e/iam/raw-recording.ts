/** The lines that the emulator writes while it records (emulator/iam/recorder.py), as a recording. */
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import { normalized } from "./placeholders.ts";
import { canonical, hashOf } from "./recording.ts";
import type { RecordedCall, Recording } from "./recording.ts";
import type { Caller } from "./replay.ts";
import { roleArn } from "./account-policies.ts";
import type { Document, AccountPolicies } from "./account-policies.ts";

const caller = z.union([
  z.strictObject({ principal: z.string() }),
  z.strictObject({ name: z.string(), source_arn: z.string().optional(), source_account: z.string().optional() }),
  z.strictObject({ provider: z.string(), audience: z.string(), subject: z.string() }),
  // A request without a signature.
  z.strictObject({}).transform(() => ({ anonymous: "true" as const })),
]);

const statement = z.strictObject({
  sid: z.string().default(""),
  effect: z.enum(["Allow", "Deny"]),
  actions: z.array(z.string()).default([]),
  not_actions: z.array(z.string()).exactOptional(),
  resources: z.array(z.string()).default([]),
  not_resources: z.array(z.string()).exactOptional(),
  conditions: z.record(z.string(), z.unknown()).default({}),
});

const line = z.union([
  z.strictObject({
    call: z.strictObject({
      caller,
      action: z.string(),
      resource: z.string(),
      context: z.record(z.string(), z.unknown()),
      allowed: z.boolean(),
    }),
  }),
  z.strictObject({ policy: z.strictObject({ name: z.string(), statements: z.array(statement) }) }),
  z.strictObject({
    attached: z.strictObject({
      resource: z.string(),
      kind: z.string(),
      document: z.union([z.string(), z.looseObject({})]),
    }),
  }),
  z.strictObject({ alias: z.string(), key: z.string() }),
]);

/** A policy in force is not the program's. */
export class ForeignPolicy extends UserError {
  override readonly name = "ForeignPolicy";
}

/** Principals of the program: roles of the bootstrap and of stacks, and those that the program's policies are attached to. */
const ownRole = /:role\/(?:video-|async-video-|[a-z0-9-]+-(?:caller|operator|team|tester)$)/;

/**
 * Returns the recording in the emulator's lines, with placeholders for accounts and random names.
 * @throws ForeignPolicy if a policy in force has a statement that the program's does not have
 */
export function recordingOf(text: string, account: AccountPolicies): Recording {
  const raw = text.split("\n").filter((each) => each !== "");
  const keys = new Map<string, string>();
  for (const each of raw) {
    const parsed = line.parse(JSON.parse(each));
    if ("alias" in parsed) keys.set(parsed.key, parsed.alias);
  }
  const calls = new Map<string, RecordedCall>();
  // Resources with policies of others, such as the smoke test's queues.
  const foreign = new Set<string>();
  const policies: Record<string, string> = {};
  for (const each of raw) {
    const parsed = line.parse(JSON.parse(normalized(each, keys)));
    if ("call" in parsed) {
      const { context, ...rest } = parsed.call;
      const call = { ...rest, caller: callerOf(parsed.call.caller), context: sorted(context) };
      if ("role" in call.caller && !ownRole.test(call.caller.role)) continue;
      calls.set(JSON.stringify(call), call);
    }
    const inForce =
      "policy" in parsed
        ? { name: parsed.policy.name, statements: parsed.policy.statements.map(canonical) }
        : "attached" in parsed
          ? attachedPolicy(parsed.attached)
          : undefined;
    const document = inForce === undefined ? undefined : account.documents[inForce.name];
    if ("attached" in parsed && document === undefined) foreign.add(parsed.attached.resource);
    if (inForce === undefined || document === undefined) continue;
    const known = new Set(statementsOf(document));
    // AWS's default policy of a resource, until the program sets its own.
    if ("attached" in parsed && !inForce.statements.some((each) => known.has(each))) continue;
    checkStatements(inForce, known);
    policies[inForce.name] = hashOf(document);
  }
  return {
    policies: sorted(policies) as Record<string, string>,
    calls: [...calls]
      .filter(([, { caller: by, resource }]) => "role" in by || !foreign.has(resource))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, call]) => call),
  };
}

interface InForce {
  readonly name: string;
  readonly statements: readonly string[];
}

/** Settings add statements, so a stack with fewer settings than the account's has a part of them. */
function checkStatements({ name, statements }: InForce, known: ReadonlySet<string>): void {
  const foreign = statements.find((each) => !known.has(each));
  if (foreign === undefined) return;
  throw new ForeignPolicy(
    `The policy ${name} that was in force has a statement that the program's does not have: ${foreign}\nRecord with the program's policies only.`,
  );
}

/** Returns a document's statements in the form of MiniStack's parser, without principals. */
function statementsOf(document: Document): string[] {
  const list = (value: string | readonly string[] | undefined): readonly string[] =>
    value === undefined ? [] : typeof value === "string" ? [value] : value;
  return document.Statement.map(({ Sid = "", Effect, Action, Resource, Condition = {} }) =>
    canonical({ sid: Sid, effect: Effect, actions: list(Action), resources: list(Resource), conditions: Condition }),
  );
}

function attachedPolicy({
  resource,
  kind,
  document,
}: {
  resource: string;
  kind: string;
  document: string | object;
}): InForce {
  const owner = resource.startsWith("arn:aws:s3:::") ? resource.replace(/\/.*$/, "") : resource;
  const parsed = (typeof document === "string" ? JSON.parse(document) : document) as Document;
  return { name: kind.includes("trust") ? `trust:${owner}` : owner, statements: statementsOf(parsed) };
}

function callerOf(named: z.infer<typeof caller>): Caller {
  if ("principal" in named) {
    const role = /:assumed-role\/([^/]+)\//.exec(named.principal)?.[1];
    return role === undefined ? { user: named.principal } : { role: roleArn(role) };
  }
  if ("name" in named) {
    const { name: service, source_arn: sourceArn, source_account: sourceAccount } = named;
    return {
      service,
      ...(sourceArn === undefined ? {} : { sourceArn }),
      ...(sourceAccount === undefined ? {} : { sourceAccount }),
    };
  }
  return named;
}

function sorted(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1)));
}
