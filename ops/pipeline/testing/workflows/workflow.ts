/** Parses the workflow files as GitHub does, limited to the features in use: an unknown key is an error. */
import { parse } from "yaml";
import { z } from "zod";
import type { Value } from "./expressions.ts";

const value: z.ZodType<Value> = z.json();
const texts = z
  .union([z.string(), z.array(z.string())])
  .transform((names) => (typeof names === "string" ? [names] : names));
const variables = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const condition = z.union([z.string(), z.boolean()]);
/** Levels of a job's token by their scopes. */
const permissions = z.record(z.string(), z.enum(["read", "write", "none"]));

const concurrency = z.union([
  z.string().transform((group) => ({ group, "cancel-in-progress": false as const, queue: "single" as const })),
  z.strictObject({
    group: z.string(),
    "cancel-in-progress": z.union([z.boolean(), z.string()]).default(false),
    queue: z.enum(["single", "max"]).default("single"),
  }),
]);

const step = z
  .strictObject({
    id: z.string().optional(),
    name: z.string().optional(),
    if: condition.optional(),
    run: z.string().optional(),
    uses: z.string().optional(),
    with: variables.default({}),
    env: variables.default({}),
  })
  .refine(({ run, uses }) => (run === undefined) !== (uses === undefined), "a step has either run or uses");

const job = z.strictObject({
  name: z.string().optional(),
  needs: texts.default([]),
  if: condition.optional(),
  "runs-on": z.string().optional(),
  "timeout-minutes": z.number().optional(),
  environment: z
    .union([
      z.string().transform((name) => ({ name, deployment: true })),
      z.strictObject({ name: z.string(), url: z.string().optional(), deployment: z.boolean().default(true) }),
    ])
    .optional(),
  concurrency: concurrency.optional(),
  permissions: permissions.optional(),
  strategy: z
    .strictObject({ "fail-fast": z.boolean().optional(), "max-parallel": z.number().optional(), matrix: value })
    .optional(),
  outputs: z.record(z.string(), z.string()).default({}),
  env: variables.default({}),
  steps: z.array(step).default([]),
  uses: z.string().optional(),
  with: variables.default({}),
  secrets: z.record(z.string(), z.string()).default({}),
});

const event = z
  .looseObject({
    branches: texts.optional(),
    types: texts.optional(),
    inputs: z
      .record(z.string(), z.looseObject({ type: z.string().default("string"), default: value.optional() }))
      .optional(),
  })
  .nullable();

const workflow = z.strictObject({
  name: z.string(),
  on: z
    .union([
      texts.transform((names) => Object.fromEntries(names.map((name) => [name, null]))),
      z.record(z.string(), z.unknown()),
    ])
    .pipe(z.record(z.string(), z.union([event, z.array(z.strictObject({ cron: z.string() }))]))),
  permissions,
  concurrency: concurrency.optional(),
  env: variables.default({}),
  jobs: z.record(z.string(), job),
});

export type Step = z.infer<typeof step>;
export type Job = z.infer<typeof job>;
export type Concurrency = z.infer<typeof concurrency>;
export type Permissions = z.infer<typeof permissions>;
/** A workflow with the name of its file. */
export type Workflow = z.infer<typeof workflow> & { readonly file: string };

/**
 * Parses a workflow.
 * @throws Error that names the file and all its unknown keys
 */
export function parseWorkflow(file: string, text: string): Workflow {
  const checked = workflow.safeParse(parse(text));
  if (!checked.success) throw new Error(`${file}: ${z.prettifyError(checked.error)}`);
  return { ...checked.data, file };
}

/** The properties of an event that determine which workflows run. */
export interface Trigger {
  readonly name: string;
  /** For pull requests: opened, labeled, … */
  readonly action?: string;
  /** The branch that was pushed, or the base of a pull request. */
  readonly branch: string;
}

/** Actions of a pull request that start a workflow without a list of actions (GitHub: "Events that trigger workflows"). */
const pullRequestTypes = ["opened", "synchronize", "reopened"];

/** Checks if an event starts a workflow. */
export function isTriggered(by: Trigger, { on }: Workflow): boolean {
  if (!Object.hasOwn(on, by.name)) return false;
  const filter = on[by.name];
  if (filter === null || filter === undefined || Array.isArray(filter)) {
    return by.action === undefined || pullRequestTypes.includes(by.action);
  }
  if (filter.branches !== undefined && !filter.branches.includes(by.branch)) return false;
  return by.action === undefined || (filter.types ?? pullRequestTypes).includes(by.action);
}
