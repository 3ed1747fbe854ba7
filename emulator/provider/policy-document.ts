/** `aws.iam.getPolicyDocument`: a policy as text, in exactly the official provider's format. */
import { crc32 } from "node:zlib";
import { z } from "zod";
import { ProviderError } from "./errors.ts";
import { isRecord } from "./values.ts";

const principals = z.array(z.strictObject({ type: z.string(), identifiers: z.array(z.string()) }));
const texts = z.array(z.string());

/** The function's arguments. */
export const policyDocumentArgs = z.strictObject({
  policyId: z.string().optional(),
  version: z.enum(["2008-10-17", "2012-10-17"]).optional(),
  statements: z
    .array(
      z.strictObject({
        sid: z.string().optional(),
        effect: z.enum(["Allow", "Deny"]).optional(),
        actions: texts.optional(),
        notActions: texts.optional(),
        resources: texts.optional(),
        notResources: texts.optional(),
        principals: principals.optional(),
        notPrincipals: principals.optional(),
        conditions: z.array(z.strictObject({ test: z.string(), variable: z.string(), values: texts })).optional(),
      }),
    )
    .optional(),
  sourceJson: z.string().optional(),
  overrideJson: z.string().optional(),
  sourcePolicyDocuments: texts.optional(),
  overridePolicyDocuments: texts.optional(),
});

type Args = z.infer<typeof policyDocumentArgs>;
type Statement = NonNullable<Args["statements"]>[number];
type Principals = NonNullable<Statement["principals"]>;

/** Allowed keys, in this order. */
const statementKeys = [
  "Sid",
  "Effect",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Principal",
  "NotPrincipal",
  "Condition",
] as const;

type Written = Partial<Record<(typeof statementKeys)[number], unknown>>;

interface Document {
  readonly Version: string;
  readonly Id?: string;
  readonly Statement: readonly Written[];
}

const oneOrList = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? (values[0] ?? "") : values;

/** Sorts a list descending, as the official provider does. */
function sorted(values: readonly string[] | undefined): string | readonly string[] | undefined {
  if (values === undefined || values.length === 0) return undefined;
  return oneOrList([...new Set(values)].sort().reverse());
}

function who(given: Principals | undefined): unknown {
  if (given === undefined || given.length === 0) return undefined;
  const byType = new Map<string, string[]>();
  for (const { type, identifiers } of given) byType.set(type, [...(byType.get(type) ?? []), ...identifiers]);
  if (byType.has("*")) return "*";
  return Object.fromEntries([...byType].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, ids]) => [type, sorted(ids)]));
}

function conditions(given: Statement["conditions"]): unknown {
  if (given === undefined || given.length === 0) return undefined;
  const tests: Record<string, Record<string, string[]>> = {};
  for (const { test, variable, values } of given) {
    const variables = (tests[test] ??= {});
    variables[variable] = [...(variables[variable] ?? []), ...values];
  }
  const inOrder = <T, U>(record: Record<string, T>, write: (value: T) => U): Record<string, U> =>
    Object.fromEntries(
      Object.keys(record)
        .sort()
        .map((key) => [key, write(record[key] as T)]),
    );
  return inOrder(tests, (variables) => inOrder(variables, oneOrList));
}

function toStatement(given: Statement): Written {
  return {
    Sid: given.sid === "" ? undefined : given.sid,
    Effect: given.effect ?? "Allow",
    Action: sorted(given.actions),
    NotAction: sorted(given.notActions),
    Resource: sorted(given.resources),
    NotResource: sorted(given.notResources),
    Principal: who(given.principals),
    NotPrincipal: who(given.notPrincipals),
    Condition: conditions(given.conditions),
  };
}

function parse(text: string): Document {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new ProviderError(`A policy document to merge is not JSON: ${String(error)}`, { cause: error });
  }
  if (!isRecord(document)) throw new ProviderError("A policy document to merge must be an object");
  const { Statement: held } = document;
  const statements: readonly unknown[] = Array.isArray(held) ? held : held === undefined ? [] : [held];
  return {
    Version: typeof document["Version"] === "string" ? document["Version"] : "",
    ...(typeof document["Id"] === "string" ? { Id: document["Id"] } : {}),
    Statement: statements.filter(isRecord),
  };
}

/** Merges `next` over `base`: statements with the same Sid are replaced in place, others appended. */
function merge(base: Document, next: Document): Document {
  const statements = [...base.Statement];
  for (const statement of next.Statement) {
    const same = statement.Sid === undefined ? -1 : statements.findIndex((one) => one.Sid === statement.Sid);
    if (same < 0) statements.push(statement);
    else statements[same] = statement;
  }
  const id = next.Id ?? base.Id;
  return {
    Version: next.Version === "" ? base.Version : next.Version,
    ...(id === undefined ? {} : { Id: id }),
    Statement: statements,
  };
}

function write(document: Document): object {
  const statements = document.Statement.map((statement) =>
    Object.fromEntries(statementKeys.flatMap((key) => (statement[key] === undefined ? [] : [[key, statement[key]]]))),
  );
  return {
    Version: document.Version,
    ...(document.Id === undefined ? {} : { Id: document.Id }),
    ...(statements.length === 0 ? {} : { Statement: statements }),
  };
}

/** Formats the policy. Throws ProviderError for two statements with one Sid, or an invalid document. */
export function policyDocument(args: Args): object {
  const sids = (args.statements ?? []).flatMap(({ sid }) => (sid === undefined || sid === "" ? [] : [sid]));
  const twice = sids.find((sid, index) => sids.indexOf(sid) !== index);
  if (twice !== undefined) throw new ProviderError(`duplicate Sid (${twice}): give each statement a different one`);
  const own: Document = {
    Version: args.version ?? "2012-10-17",
    ...(args.policyId === undefined ? {} : { Id: args.policyId }),
    Statement: (args.statements ?? []).map(toStatement),
  };
  const given = (single: string | undefined, many: string[] | undefined): string[] =>
    [single, ...(many ?? [])].filter((text) => text !== undefined && text !== "") as string[];
  const all = [
    ...given(args.sourceJson, args.sourcePolicyDocuments).map(parse),
    own,
    ...given(args.overrideJson, args.overridePolicyDocuments).map(parse),
  ];
  const document = write(all.reduce(merge));
  const json = JSON.stringify(document, undefined, 2);
  return { ...args, id: String(crc32(json)), json, minifiedJson: JSON.stringify(document) };
}
