/** Runs the steps of one job in an empty folder, as GitHub's runner does: conditions, environment, outputs, exit statuses. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runAction } from "./actions.ts";
import type { ActionJob, ActionResult, ActionTools } from "./actions.ts";
import { holds, interpolate, interpolateAll, textOf } from "./expressions.ts";
import type { Scope, Status, Value } from "./expressions.ts";
import { Shell } from "./shell.ts";
import type { Job, Step } from "./workflow.ts";

/** A command in a workflow, unchanged. */
export interface RunLine {
  /** The workflow's file. */
  readonly file: string;
  /** The job's key in the file. */
  readonly job: string;
  readonly command: string;
}

/** Result of a step. */
export interface StepEnd {
  readonly job: string;
  readonly line: string;
  readonly outcome: Exclude<Status, "cancelled">;
  /** Elapsed real time. */
  readonly seconds: number;
}

/** Replacement of a command. */
export interface Replacement {
  readonly command: string;
  /** Additional variables. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Context of a job. */
export interface JobSetting extends ActionTools {
  /** For logs: the run and the job in a few words. */
  readonly title: string;
  /** Name of the workflow's file, and the job's key in it. */
  readonly file: string;
  readonly key: string;
  readonly job: Job;
  /** Folder for the job's files; is created. */
  readonly folder: string;
  /** The commit, the permissions, the run's number. */
  readonly identity: Omit<ActionJob, "workspace">;
  /** All contexts except those that the steps create: env and steps. */
  readonly contexts: Readonly<Record<string, Value>>;
  /** Variables that GitHub sets for all steps, and those of the workflow. */
  readonly variables: Readonly<Record<string, string>>;
  /** Returns the replacement of a command; undefined to run the command. */
  readonly replace: (line: RunLine) => Promise<Replacement | undefined>;
  readonly onStep: (end: StepEnd) => void;
  /** Receives the output of a step's command as it is printed. */
  readonly onOutput: (text: string) => void;
}

/** Result of a job. */
export interface JobEnd {
  readonly result: Status;
  readonly outputs: Readonly<Record<string, Value>>;
  /** All output of its commands, and the errors of actions. */
  readonly log: string;
  /** Text that it wrote for the run's page. */
  readonly summary: string;
}

/** One running job. */
export class JobRun {
  readonly #setting: JobSetting;
  readonly #workspace: string;
  readonly #steps: Record<string, { outputs: Record<string, string>; outcome: Status; conclusion: Status }> = {};
  readonly #variables: Record<string, string> = {};
  #path: string;
  #status: Status = "success";
  #log = "";
  #summary = "";
  #shell: Shell | undefined;
  #isKilled = false;

  constructor(setting: JobSetting) {
    this.#setting = setting;
    this.#workspace = join(setting.folder, "workspace");
    this.#path = setting.machine.environment["PATH"] ?? "";
  }

  /** Ends it like the loss of its machine: the running command gets SIGKILL, and no further step runs. */
  kill(): void {
    this.#isKilled = true;
    this.#status = "failure";
    this.#shell?.kill();
  }

  /** Ends it like the cancellation of its run: the running command ends, and steps whose condition allows it still run. */
  cancel(): void {
    this.#status = "cancelled";
    this.#shell?.kill();
  }

  async run(): Promise<JobEnd> {
    await mkdir(this.#workspace, { recursive: true });
    const { job, onStep, title } = this.#setting;
    for (const [index, step] of job.steps.entries()) {
      if (this.#isKilled) break;
      const started = performance.now();
      const outcome = holds(step.if, this.#scope(step)) ? await this.#step(step, index) : "skipped";
      if (outcome === "failure" && this.#status === "success") this.#status = "failure";
      const line = step.run ?? (step.uses ?? "").replace(/@.*/, "");
      if (outcome !== "skipped") onStep({ job: title, line, outcome, seconds: (performance.now() - started) / 1000 });
      if (step.id !== undefined) {
        this.#steps[step.id] = { outputs: {}, ...this.#steps[step.id], outcome, conclusion: outcome };
      }
    }
    const outputs = interpolateAll(job.outputs, this.#scope(undefined)) as Record<string, Value>;
    return { result: this.#status, outputs, log: this.#log, summary: this.#summary };
  }

  /** Runs one step whose condition holds. */
  async #step(step: Step, index: number): Promise<"success" | "failure"> {
    try {
      if (step.run === undefined) {
        const given = interpolateAll(step.with, this.#scope(step)) as Record<string, Value>;
        // An empty input counts as missing, as in the actions' toolkit.
        const texts = Object.entries(given).map(([name, value]): [string, string] => [name, textOf(value)]);
        const inputs = Object.fromEntries(texts.filter(([, text]) => text !== ""));
        const job = { ...this.#setting.identity, workspace: this.#workspace };
        this.#take(step, await runAction(step.uses ?? "", inputs, job, this.#setting));
        return "success";
      }
      return await this.#command(step, step.run, index);
    } catch (error) {
      this.#print(`Error: ${(error as Error).message}\n`);
      return "failure";
    }
  }

  async #command(step: Step, command: string, index: number): Promise<"success" | "failure"> {
    const { file, key, folder, replace } = this.#setting;
    const line = { file, job: key, command };
    const text = textOf(interpolate(command, this.#scope(step)));
    const replacement = await replace(line);
    const place = join(folder, `step-${index}`);
    await mkdir(place);
    const files = { GITHUB_OUTPUT: "output", GITHUB_ENV: "env", GITHUB_PATH: "path", GITHUB_STEP_SUMMARY: "summary" };
    const written = Object.entries(files).map(([name, each]) => [name, join(place, each)] as const);
    await Promise.all(written.map(([, each]) => writeFile(each, "")));
    const script = join(place, "script.sh");
    await writeFile(script, replacement?.command ?? text);
    this.#print(`$ ${text}\n${replacement === undefined ? "" : `(in its place: ${replacement.command})\n`}`);
    this.#shell = new Shell(script, {
      cwd: this.#workspace,
      env: { ...this.#environment(step), ...Object.fromEntries(written), ...replacement?.variables },
      onOutput: (output) => {
        this.#print(output);
      },
    });
    const status = await this.#shell.ended;
    this.#shell = undefined;
    this.#summary += await readFile(join(place, "summary"), "utf8");
    const [outputs, variables] = await Promise.all(
      ["output", "env"].map(async (each) => assignments(await readFile(join(place, each), "utf8"))),
    );
    this.#take(step, { outputs: outputs ?? {}, variables: variables ?? {} });
    const added = (await readFile(join(place, "path"), "utf8")).split("\n").filter((each) => each !== "");
    for (const each of added) this.#path = `${each}${delimiter}${this.#path}`;
    if (status !== 0) this.#print(`Process completed with exit code ${status}.\n`);
    return status === 0 ? "success" : "failure";
  }

  #take({ id }: Step, { outputs = {}, variables = {}, path: folder }: ActionResult): void {
    if (id !== undefined) this.#steps[id] = { outcome: "success", conclusion: "success", outputs: { ...outputs } };
    Object.assign(this.#variables, variables);
    if (folder !== undefined) this.#path = `${folder}${delimiter}${this.#path}`;
  }

  /** Returns the variables of a step. The innermost definition wins. */
  #environment(step: Step | undefined): Record<string, string> {
    const { machine, variables, job } = this.#setting;
    const contexts = { ...this.#setting.contexts, steps: this.#steps };
    const texts = (own: Value): Record<string, string> =>
      Object.fromEntries(
        Object.entries(interpolateAll(own, { contexts, status: this.#status }) as Record<string, Value>).map(
          ([name, value]) => [name, textOf(value)],
        ),
      );
    return {
      ...machine.environment,
      ...variables,
      GITHUB_WORKSPACE: this.#workspace,
      ...texts(job.env),
      ...this.#variables,
      PATH: this.#path,
      ...texts(step?.env ?? {}),
    };
  }

  #scope(step: Step | undefined): Scope {
    return {
      contexts: { ...this.#setting.contexts, steps: this.#steps, env: this.#environment(step) },
      status: this.#status,
      hashFiles: (...patterns) => {
        const files = globSync(patterns, { cwd: this.#workspace, withFileTypes: true }).filter((each) => each.isFile());
        const hash = createHash("sha256");
        for (const each of files) hash.update(readFileSync(join(each.parentPath, each.name)));
        return files.length === 0 ? "" : hash.digest("hex");
      },
    };
  }

  #print(text: string): void {
    this.#log += text;
    this.#setting.onOutput(text);
  }
}

/** Reads a file of `NAME=VALUE` lines, which steps write for the runner. */
function assignments(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([^=<]+)=(.*)$/s.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`The test does not support this output: ${line}`);
      return [name, value];
    }),
  );
}
