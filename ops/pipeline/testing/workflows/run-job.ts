/** Runs one job: waits for the reviewers of its environment, then runs its steps with GitHub's contexts and variables. */
import { join, matchesGlob } from "node:path";
import type { ActionTools } from "./actions.ts";
import { interpolate, interpolateAll, textOf } from "./expressions.ts";
import type { Status, Value } from "./expressions.ts";
import type { Deployment, GitHub } from "./github.ts";
import type { ConcurrencyGroups } from "./groups.ts";
import { JobRun } from "./job-run.ts";
import type { JobEnd, Replacement, RunLine } from "./job-run.ts";
import type { Slots } from "./slots.ts";
import type { Job, Permissions, Workflow } from "./workflow.ts";

/** The event of a run, as jobs read it in the context github. */
export interface Happening {
  readonly event: Readonly<Record<string, Value>>;
  readonly eventName: string;
  readonly ref: string;
  readonly sha: string;
  /** The branch in a list of runs; for a pull request, its head branch. */
  readonly branch: string;
  readonly actor: string;
  readonly inputs: Readonly<Record<string, Value>>;
}

/** Services that all runs share. */
export interface RunTools extends ActionTools {
  readonly github: GitHub;
  readonly groups: ConcurrencyGroups;
  readonly slots: Slots;
  /** Folder for the jobs' files. */
  readonly folder: string;
  /** Returns the replacement of a command; undefined to run the command. Called once for each command that runs. */
  readonly replace: (line: RunLine) => Promise<Replacement | undefined>;
  readonly onOutput: (job: ShownJob, text: string) => void;
  readonly log: (text: string) => void;
}

/** State of a job: `blocked` by its group, `waiting` for reviewers, … */
export type JobState = "blocked" | "waiting" | "running" | "completed";

/** A job, as the run's page shows it. */
export interface ShownJob {
  /** Title of the run. */
  readonly run: string;
  /** Its key in the workflow; below the key of the job that called the workflow. */
  readonly key: string;
  readonly name: string;
  state: JobState;
  result?: Status;
  log: string;
  summary: string;
  /** Set while it runs. */
  process?: JobRun;
}

/** Properties that the jobs of one workflow share. */
export interface Frame {
  readonly workflow: Workflow;
  /** The key of the job that called the workflow, with a slash; empty for the run's workflow. */
  readonly prefix: string;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Permissions of the caller's token; undefined without a caller. */
  readonly cap?: Permissions | undefined;
}

/** The run that a job is part of. */
export interface OwnRun {
  readonly id: number;
  readonly attempt: number;
  readonly title: string;
  /** Name of the workflow that was started. */
  readonly workflow: string;
  readonly happening: Happening;
  readonly isCancelled: () => boolean;
  /** Resolves when a reviewer of the environment has approved. */
  readonly approved: (environment: string) => Promise<void>;
}

/** A job to run, with one combination of its matrix. */
export interface JobToRun {
  readonly frame: Frame;
  readonly key: string;
  readonly job: Job;
  readonly shown: ShownJob;
  /** The contexts needs and matrix. */
  readonly own: Readonly<Record<string, Value>>;
}

/** Runs a job. It fails at once if its environment does not accept the run's ref. */
export async function runJob(toRun: JobToRun, run: OwnRun, tools: RunTools): Promise<JobEnd> {
  const { frame, key, job, shown, own } = toRun;
  const { github, log } = tools;
  const { ref, sha } = run.happening;
  if (job.environment === undefined) return await runSteps(toRun, run, tools, undefined);
  const scope = { contexts: contextsOf(frame, own, run, github), status: "success" } as const;
  const environment = textOf(interpolate(job.environment.name, scope));
  const rules = github.options.environments[environment];
  if (rules === undefined) {
    throw new Error(`${frame.workflow.file} ${key}: the repository has no environment ${environment}`);
  }
  if (rules.refs?.some((pattern) => matchesGlob(ref, pattern)) === false) {
    const reason = `${ref} is not allowed to deploy to ${environment} due to environment protection rules.\n`;
    return { result: "failure", outputs: {}, log: reason, summary: "" };
  }
  const deployment: Deployment | undefined = job.environment.deployment
    ? github.deploy(environment, sha, ref)
    : undefined;
  if (rules.reviewers.length > 0) {
    shown.state = "waiting";
    log(`${run.title}: ${shown.name} waits for the reviewers of ${environment}`);
    await run.approved(environment);
  }
  deployment?.states.unshift("in_progress");
  const end = await runSteps(toRun, run, tools, environment);
  deployment?.states.unshift(end.result === "success" ? "success" : "failure");
  return end;
}

async function runSteps(
  { frame, key, job, shown, own }: JobToRun,
  run: OwnRun,
  tools: RunTools,
  environment: string | undefined,
): Promise<JobEnd> {
  const { github, slots, log, onOutput, folder } = tools;
  const { sha, ref, eventName } = run.happening;
  const permissions = job.permissions ?? frame.workflow.permissions;
  return await slots.run(async () => {
    shown.state = "running";
    const token = github.tokenFor({ permissions });
    const contexts = contextsOf(frame, own, run, github);
    const ofEnvironment = environment === undefined ? undefined : github.options.environments[environment]?.secrets;
    const process = new JobRun({
      ...tools,
      ...{ title: `${run.title}: ${shown.name}`, file: frame.workflow.file, key, job },
      folder: join(folder, `${run.id}-${run.attempt}-${shown.name.replaceAll(/[^\w-]+/g, "-")}`),
      identity: {
        ...{ run: run.id, attempt: run.attempt, permissions, sha },
        subject: `repo:${github.options.repository}:${subjectOf(environment, eventName, ref)}`,
      },
      contexts: {
        ...contexts,
        secrets: { ...frame.secrets, ...ofEnvironment, GITHUB_TOKEN: token },
        github: { ...(contexts["github"] as Readonly<Record<string, Value>>), token, job: key },
      },
      variables: {
        ...variablesOf(run, github),
        ...asTexts(interpolateAll(frame.workflow.env, { contexts, status: "success" })),
      },
      onOutput: (text) => {
        shown.log += text;
        onOutput(shown, text);
      },
      onStep: ({ job: title, line, outcome, seconds }) => {
        // Only failed actions are logged: actions take no time here.
        if (/\s/.test(line) || outcome === "failure") log(`  ${title}: ${line}: ${outcome}, ${seconds.toFixed(1)} s`);
      },
    });
    shown.process = process;
    if (run.isCancelled()) process.cancel();
    return await process.run();
  });
}

/** Returns the subject of GitHub's token for a job ("OpenID Connect reference", docs.github.com). */
function subjectOf(environment: string | undefined, eventName: string, ref: string): string {
  if (environment !== undefined) return `environment:${environment}`;
  return eventName === "pull_request" ? "pull_request" : `ref:${ref}`;
}

/** Returns the contexts of a job outside its steps. */
export function contextsOf(
  frame: Frame,
  own: Readonly<Record<string, Value>>,
  { id, attempt, workflow, happening }: Pick<OwnRun, "id" | "attempt" | "workflow" | "happening">,
  { options, url }: GitHub,
): Record<string, Value> {
  const { event, eventName, ref, sha, actor } = happening;
  return {
    github: {
      ...{
        event,
        event_name: eventName,
        ref,
        sha,
        actor,
        workflow,
        ref_name: ref.replace(/^refs\/(heads|pull)\//, ""),
      },
      ...{ repository: options.repository, repository_owner: options.repository.split("/")[0] ?? "" },
      ...{ run_id: String(id), run_attempt: String(attempt), api_url: url, server_url: "https://github.example" },
    },
    vars: options.variables,
    inputs: frame.inputs,
    runner: { os: "Linux", arch: "X64" },
    needs: {},
    matrix: {},
    ...own,
  };
}

/** Returns the variables that GitHub sets for every step. */
function variablesOf({ id, attempt, workflow, happening }: OwnRun, { options, url }: GitHub): Record<string, string> {
  const { eventName, ref, sha, actor } = happening;
  return {
    ...{ CI: "true", GITHUB_ACTIONS: "true", GITHUB_API_URL: url, GITHUB_SERVER_URL: "https://github.example" },
    ...{ GITHUB_REPOSITORY: options.repository, GITHUB_EVENT_NAME: eventName, GITHUB_REF: ref, GITHUB_SHA: sha },
    ...{ GITHUB_ACTOR: actor, GITHUB_RUN_ID: String(id), GITHUB_RUN_ATTEMPT: String(attempt) },
    GITHUB_WORKFLOW: workflow,
  };
}

/** Converts values into environment variables or secrets. */
export function asTexts(values: Value): Record<string, string> {
  const entries = Object.entries(values as Readonly<Record<string, Value>>);
  return Object.fromEntries(entries.map(([name, value]) => [name, textOf(value)]));
}
