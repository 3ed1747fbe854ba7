/** One run of a workflow: selects its jobs, and runs them in order. */
import { holds, interpolate, interpolateAll, textOf } from "./expressions.ts";
import type { Scope, Status, Value } from "./expressions.ts";
import type { Run } from "./github.ts";
import { Replaced } from "./groups.ts";
import type { Release } from "./groups.ts";
import { combinationsOf } from "./matrix.ts";
import { asTexts, contextsOf, runJob } from "./run-job.ts";
import type { Frame, Happening, JobState, JobToRun, OwnRun, RunTools, ShownJob } from "./run-job.ts";
import type { Job, Permissions, Workflow } from "./workflow.ts";

interface End {
  readonly result: Status;
  readonly outputs: Readonly<Record<string, Value>>;
}

/** One run. */
export class WorkflowRun {
  readonly id: number;
  readonly workflow: Workflow;
  readonly happening: Happening;
  /** The jobs, each as of its newest attempt. */
  jobs: readonly ShownJob[] = [];
  readonly #tools: RunTools;
  readonly #files: ReadonlyMap<string, Workflow>;
  readonly #ends = new Map<string, End>();
  readonly #gates = new Map<string, () => void>();
  #attempt = 0;
  #isCancelled = false;

  /** @param files all workflows of the run's commit by name, for those that call another one */
  constructor(workflow: Workflow, files: ReadonlyMap<string, Workflow>, happening: Happening, tools: RunTools) {
    this.id = tools.github.nextId();
    this.workflow = workflow;
    this.happening = happening;
    this.#files = files;
    this.#tools = tools;
  }

  get title(): string {
    return `${this.workflow.name} #${this.id}`;
  }

  /** Returns the run as the API lists it. */
  get listed(): Run {
    const states = this.jobs.map(({ state }) => state);
    const status = states.includes("running") ? "in_progress" : states.includes("waiting") ? "waiting" : "completed";
    const { eventName, branch } = this.happening;
    return { id: this.id, file: this.workflow.file, event: eventName, branch, status };
  }

  /** Returns the result of each job by name, or its state if it has not ended. */
  get results(): Record<string, Status | JobState> {
    return Object.fromEntries(this.jobs.map(({ name, result, state }) => [name, result ?? state]));
  }

  /** Returns the environments whose reviewers it waits for. */
  get waitsFor(): readonly string[] {
    return [...this.#gates.keys()];
  }

  /** Starts it, or restarts the jobs that have not succeeded; the others keep their outputs. */
  start(): void {
    this.#attempt += 1;
    this.#isCancelled = false;
    for (const [key, { result }] of this.#ends) if (result !== "success") this.#ends.delete(key);
    this.jobs = this.jobs.filter(({ key }) => this.#ends.has(key));
    this.#tools.log(`${this.title}: attempt ${this.#attempt}`);
    this.#run().catch((error: unknown) => {
      this.#tools.slots.fail(error);
    });
  }

  /** Restarts a job that has succeeded, and all that need it. */
  restart(key: string): void {
    const stale = new Set([key]);
    for (const [name, { needs }] of Object.entries(this.workflow.jobs)) {
      if (needs.some((each) => stale.has(each))) stale.add(name);
    }
    for (const each of stale) this.#ends.delete(each);
    this.start();
  }

  /** Returns the job with a key or a name. */
  job(name: string): ShownJob {
    const found = this.jobs.find((each) => each.key === name || each.name === name);
    if (found !== undefined) return found;
    throw new Error(`${this.title} has no job ${name}; it has ${this.jobs.map((each) => each.key).join(", ")}`);
  }

  /** Approves the job that waits for an environment's reviewers. */
  approve(environment: string): void {
    const open = this.#gates.get(environment);
    if (open === undefined) {
      throw new Error(`${this.title} does not wait for ${environment}: ${JSON.stringify(this.results)}`);
    }
    this.#tools.log(`${this.title}: ${environment} is approved`);
    this.#gates.delete(environment);
    open();
  }

  /** Ends all its jobs. */
  cancel(): void {
    this.#isCancelled = true;
    for (const { process } of this.jobs) process?.cancel();
  }

  get #own(): OwnRun {
    return {
      ...{ id: this.id, attempt: this.#attempt, title: this.title, workflow: this.workflow.name },
      happening: this.happening,
      isCancelled: () => this.#isCancelled,
      approved: async (environment) => {
        await new Promise<void>((resolve) => this.#gates.set(environment, resolve));
      },
    };
  }

  async #run(): Promise<void> {
    const { workflow, happening } = this;
    const frame = { workflow, prefix: "", inputs: happening.inputs, secrets: this.#tools.github.options.secrets };
    const release = await this.#takeGroup(workflow.concurrency, this.#scope(frame, {}, "success"), () => {
      this.cancel();
    });
    try {
      await this.#runAll(frame);
    } finally {
      release();
    }
  }

  async #runAll(frame: Frame): Promise<End> {
    const { jobs, file } = frame.workflow;
    const started = new Map<string, Promise<End>>();
    const start = (key: string): Promise<End> => {
      const job = jobs[key];
      if (job === undefined) throw new Error(`${file}: there is no job ${key}`);
      const running = started.get(key) ?? this.#afterNeeds(frame, key, job, start);
      started.set(key, running);
      return running;
    };
    const ends = await Promise.all(Object.keys(jobs).map(start));
    return { result: worst(ends), outputs: {} };
  }

  /** Runs a job, or skips it, once the jobs that it needs have ended. */
  async #afterNeeds(frame: Frame, key: string, job: Job, start: (key: string) => Promise<End>): Promise<End> {
    const ends = await Promise.all(job.needs.map(async (each) => [each, await start(each)] as const));
    const ancestors = await Promise.all(ancestorsOf(frame.workflow.jobs, key).map(start));
    const at = `${frame.prefix}${key}`;
    const earlier = this.#ends.get(at);
    if (earlier !== undefined) return earlier;
    const needs = Object.fromEntries(ends.map(([name, { result, outputs }]) => [name, { result, outputs }]));
    const status = this.#isCancelled ? "cancelled" : worst(ancestors);
    const end = holds(job.if, this.#scope(frame, { needs }, status))
      ? await this.#runEach(frame, key, job, needs)
      : this.#skip(at, job.name ?? key);
    this.#ends.set(at, end);
    return end;
  }

  #skip(key: string, name: string): End {
    const result = this.#isCancelled ? "cancelled" : "skipped";
    const shown: ShownJob = { run: this.title, key, name, state: "completed", result, log: "", summary: "" };
    this.jobs = [...this.jobs, shown];
    return { result, outputs: {} };
  }

  /** Runs a job once for each combination of its matrix. */
  async #runEach(frame: Frame, key: string, job: Job, needs: Value): Promise<End> {
    const matrix = interpolateAll(job.strategy?.matrix ?? null, this.#scope(frame, { needs }, "success"));
    const combinations = combinationsOf(matrix);
    const ends = await Promise.all(
      combinations.map((combination) => this.#runOne(frame, key, job, { needs, matrix: combination })),
    );
    return { result: worst(ends), outputs: Object.assign({}, ...ends.map(({ outputs }) => outputs)) as End["outputs"] };
  }

  async #runOne(frame: Frame, key: string, job: Job, own: JobToRun["own"]): Promise<End> {
    const scope = this.#scope(frame, own, "success");
    const permissions = job.permissions ?? frame.workflow.permissions;
    checkCap(`${frame.workflow.file} ${key}`, permissions, frame.cap);
    if (job.uses !== undefined) return await this.#call(frame, key, job, scope, permissions);
    const name = textOf(interpolate(job.name ?? key, scope));
    const shown: ShownJob = {
      ...{ run: this.title, key: `${frame.prefix}${key}`, name, state: "blocked", log: "", summary: "" },
    };
    this.jobs = [...this.jobs, shown];
    let release: Release | undefined;
    let end: End = { result: "cancelled", outputs: {} };
    try {
      // Before the reviewers: a job that waits for them may hold its group (github.com/dotnet/docs issue 28144, elizaOS/eliza issue 15159).
      release = await this.#takeGroup(job.concurrency, scope, () => shown.process?.cancel());
      const { log, summary, result, outputs } = await runJob({ frame, key, job, shown, own }, this.#own, this.#tools);
      Object.assign(shown, { log, summary });
      end = { result, outputs };
    } catch (error) {
      if (!(error instanceof Replaced)) throw error;
    } finally {
      release?.();
    }
    delete shown.process;
    Object.assign(shown, { state: "completed", result: end.result });
    this.#tools.log(`${this.title}: ${name}: ${end.result}`);
    return end;
  }

  /** Runs the workflow that a job calls. */
  async #call(frame: Frame, key: string, job: Job, scope: Scope, cap: Permissions): Promise<End> {
    const workflow = this.#files.get((job.uses ?? "").replace(/^\.\/\.github\/workflows\//, ""));
    if (workflow === undefined || !Object.hasOwn(workflow.on, "workflow_call")) {
      throw new Error(`${frame.workflow.file} ${key}: there is no workflow to call at ${job.uses ?? ""}`);
    }
    const secretScope = { ...scope, contexts: { ...scope.contexts, secrets: frame.secrets } };
    return await this.#runAll({
      ...{ workflow, prefix: `${frame.prefix}${key}/`, cap },
      inputs: interpolateAll(job.with, scope) as Readonly<Record<string, Value>>,
      secrets: asTexts(interpolateAll(job.secrets, secretScope)),
    });
  }

  async #takeGroup(concurrency: Job["concurrency"], scope: Scope, cancel: () => void): Promise<Release> {
    if (concurrency === undefined) return () => undefined;
    return await this.#tools.groups.take(textOf(interpolate(concurrency.group, scope)), concurrency, cancel);
  }

  #scope(frame: Frame, own: JobToRun["own"], status: Status): Scope {
    return { contexts: contextsOf(frame, own, this.#own, this.#tools.github), status };
  }
}

/** Returns the jobs that a job needs, directly or indirectly. */
function ancestorsOf(jobs: Workflow["jobs"], key: string): string[] {
  const needs = jobs[key]?.needs ?? [];
  return [...new Set([...needs, ...needs.flatMap((each) => ancestorsOf(jobs, each))])];
}

/** Returns the result of several jobs. A skipped job also prevents those that need it from running. */
function worst(ends: readonly End[]): Status {
  const results = ends.map(({ result }) => result);
  return (["cancelled", "failure", "skipped"] as const).find((each) => results.includes(each)) ?? "success";
}

/** GitHub refuses a called workflow whose jobs request more permissions than the caller's token has. */
function checkCap(at: string, wanted: Permissions, cap: Permissions | undefined): void {
  for (const [scope, level] of Object.entries(wanted)) {
    if (cap === undefined || level === "none" || cap[scope] === "write" || cap[scope] === level) continue;
    throw new Error(`${at} requests ${scope}: ${level}, which its caller does not have`);
  }
}
