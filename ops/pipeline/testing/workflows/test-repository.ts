/** A repository set up as described in infra/bootstrap/README.md, with replacements for GitHub, its machines and the internet. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Machine } from "./actions.ts";
import { Artifacts } from "./artifacts.ts";
import { GitHub } from "./github.ts";
import type { Environment } from "./github.ts";
import { ConcurrencyGroups } from "./groups.ts";
import type { Replacement, RunLine } from "./job-run.ts";
import { Origin, setting } from "./origin.ts";
import { Repository } from "./repository.ts";
import type { RunTools, ShownJob } from "./run-job.ts";
import type { WorkflowRun } from "./run.ts";
import { Slots } from "./slots.ts";
import { parseWorkflow } from "./workflow.ts";

/** The account that workflows deploy to. */
export interface Account {
  /** Variables that a job needs to reach it, without credentials. */
  readonly environment: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly bootstrap: Readonly<
    Record<"secretsProviders" | "permissionsBoundaries" | "encryptionKeyArns", Readonly<Record<string, string>>>
  >;
  assumeRole(role: string, subject: string, seconds: number): Promise<Record<string, string>>;
  /** Runs the Pulumi CLI as an administrator. */
  pulumi(args: readonly string[], backend: string, cwd: string, home: string): Promise<string>;
}

/** Folders of the replacements for GitHub. */
export interface TestRepositoryOptions {
  readonly account: Account;
  /** This clone. */
  readonly root: string;
  /** Folder for all created files. */
  readonly folder: string;
  /** Folder in which setup keeps environments and the CLI. */
  readonly cacheRoot: string;
  readonly programs: Pick<Machine, "node" | "pulumi">;
  /** Receives the log of events, and the output of each job. */
  readonly record: string;
}

/** Login that opens and merges pull requests. */
export const author = "ada";

/** The environments of infra/bootstrap/README.md. */
const environments: Readonly<Record<string, Environment>> = {
  dev: { reviewers: [], refs: ["refs/heads/main"] },
  production: { reviewers: [], refs: ["refs/heads/main"] },
  "production-approval": { reviewers: ["grace"], refs: ["refs/heads/main"] },
  ephemeral: { reviewers: ["grace"], preventSelfReview: true },
  "ephemeral-destroy": { reviewers: [], refs: ["refs/heads/main"] },
  preview: { reviewers: [] },
};

/** The environment of each stack's file. */
const stacks = { dev: "dev", prod: "production", pr: "ephemeral" } as const;

/**
 * Settings of this machine: it has no GPU, and memory for one worker. The sample's weights need a higher threshold than COCO's (Pulumi.local.yaml).
 */
const thisMachine = {
  "async-video-inference:requireGpu": false,
  "async-video-inference:maxConcurrency": 1,
  "async-video-inference:scoreThreshold": 0.8,
};

/** Replacements for a test of the parts between commands that another test runs: the commands only write the files that are uploaded. */
export const withoutWork: readonly (readonly [string, string])[] = [
  ["npm run -s package:coco", "mkdir -p model/dist/coco && echo model > model/dist/coco/model.tar.gz"],
  ['npm run preview -- --stack "$STACK"', "true"],
  ['npm run -s pipeline -- preview --stack "$STACK" --report "reports/$STACK.json"', "true"],
  ['npm run -s pipeline -- costs --stacks "$STACK" --to reports', "true"],
  ["npm run -s pipeline -- costs --stacks dev,prod --to costs", "true"],
  ["npm run -s pipeline -- up --stack dev", "true"],
  ["npm run -s pipeline -- artifacts --stack dev", "true"],
  [
    "npm run -s pipeline -- preview --stack prod --refresh --plan plan/prod.json",
    "mkdir plan && echo {} > plan/prod.json",
  ],
  ["npm run -s pipeline -- up --stack prod --plan plan/prod.json", "true"],
];

/** The repository. Use `await using`. */
export class TestRepository implements AsyncDisposable {
  readonly github: GitHub;
  readonly repository: Repository;
  readonly artifacts: Artifacts;
  /** Replaces commands by their text in a part of the test. A replaced command does not count as run. */
  scenario: ReadonlyMap<string, string> = new Map();
  /** Receives the jobs' output as it is printed. */
  onOutput: (job: ShownJob, text: string) => void = () => undefined;
  readonly #options: TestRepositoryOptions;
  readonly #covered = new Set<string>();
  readonly #events: string[] = [];
  readonly #started = performance.now();

  private constructor(options: TestRepositoryOptions, github: GitHub, origin: Origin, variables: boolean) {
    const { folder, root, cacheRoot, programs, account } = options;
    this.#options = options;
    this.github = github;
    this.artifacts = new Artifacts(join(folder, "artifacts"));
    const home = join(folder, "home");
    const tools: RunTools = {
      ...{ github, origin, artifacts: this.artifacts, groups: new ConcurrencyGroups(), slots: new Slots(2) },
      folder: join(folder, variables ? "jobs" : "jobs-without-account"),
      replace: (line) => this.#replace(line),
      onOutput: (job, text) => {
        this.onOutput(job, text);
      },
      log: (text) => {
        this.log(text);
      },
      machine: {
        ...programs,
        nodeModules: join(root, "node_modules"),
        environment: {
          ...{ HOME: home, LANG: "C.UTF-8", PULUMI_HOME: join(home, ".pulumi") },
          // The machine's programs, such as npm; the project's programs come from its setup.
          PATH: (process.env["PATH"] ?? "")
            .split(delimiter)
            .filter((each) => !each.startsWith(root))
            .join(delimiter),
          // The machine's cache: nothing is downloaded.
          ASYNC_VIDEO_INFERENCE_CACHE: cacheRoot,
          AWS_EC2_METADATA_DISABLED: "true",
          ...account.environment,
        },
        assumeRole: (role, subject, seconds) => account.assumeRole(role, subject, seconds),
      },
    };
    this.repository = new Repository(tools);
  }

  /**
   * Creates the repository: this clone's files with the stacks' settings of infra/bootstrap/README.md, step 5, and the stacks in their backends.
   */
  static async open(options: TestRepositoryOptions): Promise<TestRepository> {
    const { account, folder, root, record } = options;
    const home = join(folder, "home");
    await rm(record, { recursive: true, force: true });
    await Promise.all([mkdir(home), mkdir(record, { recursive: true })]);
    const origin = await Origin.create(join(folder, "origin"), root, async (place) => {
      const { secretsProviders, permissionsBoundaries, encryptionKeyArns } = account.bootstrap;
      for (const [stack, environment] of Object.entries(stacks)) {
        if (stack !== "pr") {
          const backend = account.variables[`${stack.toUpperCase()}_BACKEND_URL`] ?? "";
          const init = ["stack", "init", stack, "--secrets-provider", secretsProviders[environment] ?? ""];
          await account.pulumi(init, backend, place, home);
        }
        const edit = setting([stack], {
          "async-video-inference:permissionsBoundary": permissionsBoundaries[environment],
          "async-video-inference:encryptionKeyArn": encryptionKeyArns[environment],
          ...thisMachine,
        });
        await edit(place);
      }
      for (const stack of ["dev", "prod"]) {
        const file = join(place, "policies", `config.${stack}.json`);
        const config = JSON.parse(await readFile(file, "utf8")) as object;
        await writeFile(file, JSON.stringify({ ...config, "gpu-required": "disabled" }));
      }
    });
    return await TestRepository.#at(options, origin, true);
  }

  /** Returns the same repository before its owner has set any variable. */
  async withoutVariables(): Promise<TestRepository> {
    const origin = Origin.at(join(this.#options.folder, "origin"));
    return await TestRepository.#at(this.#options, origin, false);
  }

  static async #at(options: TestRepositoryOptions, origin: Origin, variables: boolean): Promise<TestRepository> {
    const github = await GitHub.start({
      ...{ repository: "team/videos", isPrivate: true, environments, secrets: {} },
      variables: variables ? options.account.variables : {},
      compare: (base, head) => origin.compare(base, head),
    });
    return new TestRepository(options, github, origin, variables);
  }

  /** Writes the record and stops GitHub. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { record } = this.#options;
    await writeFile(join(record, "events.log"), `${this.#events.join("\n")}\n`, { flag: "a" });
    for (const run of this.repository.runs) {
      for (const { name, log } of run.jobs) {
        if (log !== "")
          await writeFile(join(record, `${run.id} ${run.workflow.name} ${name.replaceAll("/", " ")}.log`), log);
      }
    }
    await this.github[Symbol.asyncDispose]();
  }

  /** Prints the end of the newest run's jobs that failed. */
  showFailures(): void {
    for (const { run, name, result, log } of this.repository.runs.at(-1)?.jobs ?? []) {
      if (result === "failure") console.error(`── ${run}: ${name}\n${log.slice(-4_000)}`);
    }
  }

  /** Prints and records an event. */
  log(text: string): void {
    const line = `${((performance.now() - this.#started) / 1000).toFixed(1).padStart(6)} s  ${text}`;
    this.#events.push(line);
    console.log(line);
  }

  /** Returns the commands of this clone's workflows that have not run. */
  async missing(...others: readonly TestRepository[]): Promise<string[]> {
    const folder = join(this.#options.root, ".github", "workflows");
    const all: string[] = [];
    for (const file of await readdir(folder)) {
      const { jobs } = parseWorkflow(file, await readFile(join(folder, file), "utf8"));
      for (const [job, { steps }] of Object.entries(jobs)) {
        all.push(
          ...steps.flatMap(({ run: command }) => (command === undefined ? [] : [nameOf({ file, job, command })])),
        );
      }
    }
    const covered = new Set([this, ...others].flatMap((each) => [...each.#covered]));
    return all.filter((each) => !covered.has(each));
  }

  async #replace(line: RunLine): Promise<Replacement | undefined> {
    const command = this.scenario.get(line.command);
    if (command !== undefined) return { command };
    this.#covered.add(nameOf(line));
    return await this.#withoutInternet(line.command);
  }

  /** Replacements in the whole test, with the reason of each. */
  async #withoutInternet(command: string): Promise<Replacement | undefined> {
    const { root, folder } = this.#options;
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string | undefined>;
    };
    switch (command) {
      case "npm test": {
        // It would run within itself. The test checks that the script exists, and passes; a scenario lets it fail.
        if (manifest.scripts["test"] === undefined) throw new Error("package.json has no script test");
        return { command: "true" };
      }
      case "npm run -s package:coco": {
        // COCO's weights are downloaded from the internet: the same script packages the sample's, to the same path.
        const [script = "", ...more] = (manifest.scripts["package:coco"] ?? "").split(" --weights coco");
        if (more.length !== 1) throw new Error("package.json: package:coco does not have --weights coco once");
        return { command: `${script}${more[0] ?? ""}` };
      }
      case "npm run -s audit:dependencies": {
        // Looks up advisories on the internet, with a scanner that Go builds from source: everything except `go` itself runs.
        const place = join(folder, "no-internet");
        await mkdir(place, { recursive: true });
        await writeFile(join(place, "go"), scanner, { mode: 0o755 });
        return { command: `PATH=${JSON.stringify(place)}:"$PATH" ${command}` };
      }
      default:
        return undefined;
    }
  }
}

/** Replaces `go run …/osv-scanner`: prints the lock files in its arguments, and fails if one does not exist. */
const scanner = `#!/bin/sh
while [ $# -gt 0 ]; do
  if [ "$1" = --lockfile ]; then
    file="\${2#*:}"
    echo "scanned $file"
    test -f "$file" || exit 1
    shift
  fi
  shift
done
`;

function nameOf({ file, job, command }: RunLine): string {
  return `${file} ${job}: ${command}`;
}

/** Returns the results of the jobs that were not skipped, by their names. */
export function resultsOf(run: WorkflowRun): Record<string, string> {
  return Object.fromEntries(Object.entries(run.results).filter(([, result]) => result !== "skipped"));
}
