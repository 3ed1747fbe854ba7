/** Actions of people in the repository, and the workflow runs that they start. */
import type { Value } from "./expressions.ts";
import type { Issue, PullRequest } from "./github.ts";
import type { Edit } from "./origin.ts";
import type { Happening, RunTools } from "./run-job.ts";
import { WorkflowRun } from "./run.ts";
import { isTriggered, parseWorkflow } from "./workflow.ts";
import type { Workflow } from "./workflow.ts";

const folder = ".github/workflows";

/** Starts runs for events. */
export class Repository {
  readonly runs: WorkflowRun[] = [];
  readonly #tools: RunTools;

  constructor(tools: RunTools) {
    this.#tools = tools;
    tools.github.runs = () => this.runs.map(({ listed }) => listed);
  }

  /** Opens a pull request from a new branch. Returns its number and the runs. */
  async openPullRequest(user: string, branch: string, edit: Edit): Promise<{ number: number; runs: WorkflowRun[] }> {
    const { github, origin } = this.#tools;
    const head = await origin.commit(branch, branch, edit);
    const { number } = github.open(user, branch, "", { branch, base: "main", head, merged: false });
    return { number, runs: await this.#pullRequest(number, "opened", user) };
  }

  /** Pushes another commit to a pull request. */
  async push(number: number, user: string, edit: Edit): Promise<WorkflowRun[]> {
    const { pull } = this.#issue(number);
    pull.head = await this.#tools.origin.commit(pull.branch, `Change ${pull.branch}`, edit);
    return await this.#pullRequest(number, "synchronize", user);
  }

  /** Pushes a commit to main. */
  async pushToMain(user: string, message: string, edit: Edit): Promise<WorkflowRun[]> {
    const sha = await this.#tools.origin.commit("main", message, edit);
    return await this.#pushed(sha, user);
  }

  async label(number: number, label: string, user: string): Promise<WorkflowRun[]> {
    this.#issue(number).labels.add(label);
    return await this.#pullRequest(number, "labeled", user, label);
  }

  async unlabel(number: number, label: string, user: string): Promise<WorkflowRun[]> {
    this.#issue(number).labels.delete(label);
    return await this.#pullRequest(number, "unlabeled", user, label);
  }

  async close(number: number, user: string): Promise<WorkflowRun[]> {
    this.#issue(number).state = "closed";
    return await this.#pullRequest(number, "closed", user);
  }

  /** Merges a pull request: it is closed, and main is pushed. */
  async merge(number: number, user: string): Promise<WorkflowRun[]> {
    const issue = this.#issue(number);
    const sha = await this.#tools.origin.merge(issue.pull.branch);
    issue.state = "closed";
    issue.pull.merged = true;
    const ofClosing = await this.#pullRequest(number, "closed", user);
    return [...ofClosing, ...(await this.#pushed(sha, user))];
  }

  /** Starts one workflow by hand on main. */
  async dispatch(file: string, inputs: Readonly<Record<string, Value>>, user: string): Promise<WorkflowRun> {
    return await this.#startOne("workflow_dispatch", file, { inputs, actor: user, event: { inputs } });
  }

  /** Starts a workflow on its schedule. */
  async schedule(file: string): Promise<WorkflowRun> {
    return await this.#startOne("schedule", file, { inputs: {}, actor: "github-actions[bot]", event: {} });
  }

  /** Resolves when every run has ended or waits for a decision. Rejects if a workflow cannot be run. */
  async idle(): Promise<void> {
    await this.#tools.slots.idle();
  }

  #issue(number: number): Issue & { readonly pull: PullRequest } {
    const issue = this.#tools.github.issues.get(number);
    if (issue?.pull === undefined) throw new Error(`There is no pull request ${number}`);
    return issue as Issue & { readonly pull: PullRequest };
  }

  async #startOne(
    name: string,
    file: string,
    own: Pick<Happening, "inputs" | "actor" | "event">,
  ): Promise<WorkflowRun> {
    const sha = await this.#tools.origin.commitOf("main");
    const files = await this.#workflows(sha);
    const workflow = files.get(file);
    if (workflow === undefined || !Object.hasOwn(workflow.on, name))
      throw new Error(`${file} is not started by ${name}`);
    return this.#start(workflow, files, { ...own, eventName: name, ref: "refs/heads/main", branch: "main", sha });
  }

  async #pushed(sha: string, user: string): Promise<WorkflowRun[]> {
    const place = { ref: "refs/heads/main", branch: "main", sha };
    const happening = { ...place, event: {}, eventName: "push", actor: user, inputs: {} };
    return await this.#trigger({ name: "push", branch: "main" }, happening);
  }

  /**
   * `pull_request` uses the workflows and the commit of the pull request's merge into its base; after the merge, of the base.
   * `pull_request_target` always uses those of the default branch (docs.github.com, "Events that trigger workflows").
   */
  async #pullRequest(number: number, action: string, user: string, label?: string): Promise<WorkflowRun[]> {
    const { github, origin, log } = this.#tools;
    const { pull, labels } = this.#issue(number);
    const event = {
      ...{ action, number, pull_request: github.pullRequest(number) as Value },
      ...(label === undefined ? {} : { label: { name: label } }),
    };
    const change = label === undefined ? "" : ` ${label}`;
    log(`pull request ${number}: ${user}: ${action}${change}; its labels: ${[...labels].join(", ") || "none"}`);
    const main = { ref: `refs/heads/${pull.base}`, sha: await origin.commitOf(pull.base) };
    const merge = pull.merged ? main : { ref: `refs/pull/${number}/merge`, sha: await origin.mergeCommit(pull.branch) };
    const common = { event, actor: user, inputs: {}, branch: pull.branch };
    const by = { action, branch: pull.base };
    return [
      ...(await this.#trigger({ ...by, name: "pull_request" }, { ...common, ...merge, eventName: "pull_request" })),
      ...(await this.#trigger(
        { ...by, name: "pull_request_target" },
        { ...common, ...main, eventName: "pull_request_target" },
      )),
    ];
  }

  async #trigger(by: Parameters<typeof isTriggered>[0], happening: Happening): Promise<WorkflowRun[]> {
    const files = await this.#workflows(happening.sha);
    return [...files.values()]
      .filter((workflow) => isTriggered(by, workflow))
      .map((workflow) => this.#start(workflow, files, happening));
  }

  #start(workflow: Workflow, files: ReadonlyMap<string, Workflow>, happening: Happening): WorkflowRun {
    const event = {
      ...happening.event,
      repository: { full_name: this.#tools.github.options.repository, default_branch: "main" },
    };
    const run = new WorkflowRun(workflow, files, { ...happening, event }, this.#tools);
    this.#tools.log(`${run.title} starts: ${happening.eventName} at ${happening.sha.slice(0, 7)}`);
    this.runs.push(run);
    run.start();
    return run;
  }

  async #workflows(commit: string): Promise<Map<string, Workflow>> {
    const files = await this.#tools.origin.files(commit, folder);
    return new Map([...files].map(([name, text]) => [name, parseWorkflow(name, text)]));
  }
}
