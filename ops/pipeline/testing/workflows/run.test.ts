/** Tests that runs follow GitHub's rules, with jobs of one shell command each. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Artifacts } from "./artifacts.ts";
import { GitHub } from "./github.ts";
import { ConcurrencyGroups } from "./groups.ts";
import { Origin } from "./origin.ts";
import { Repository } from "./repository.ts";
import { Slots } from "./slots.ts";

const head =
  "name: sample\non:\n  push:\n    branches: [main]\n  pull_request:\n    types: [labeled]\npermissions: {}\njobs:\n";

describe("a run of a workflow", () => {
  let folder: string;
  let github: GitHub;
  const roles: string[] = [];

  beforeEach(async () => {
    roles.length = 0;
    folder = await mkdtemp(join(tmpdir(), "run-"));
    github = await GitHub.start({
      ...{ repository: "team/videos", isPrivate: true, variables: { NAME: "value" }, secrets: {} },
      environments: { guarded: { reviewers: ["grace"] }, main: { reviewers: [], refs: ["refs/heads/main"] } },
      compare: () => Promise.resolve("ahead"),
    });
  });

  afterEach(async () => {
    await github[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Returns a repository with one workflow of these jobs. */
  async function repositoryWith(jobs: string): Promise<Repository> {
    const origin = await Origin.create(join(folder, "origin"), undefined, async (place) => {
      await mkdir(join(place, ".github", "workflows"), { recursive: true });
      await writeFile(join(place, ".github", "workflows", "sample.yml"), `${head}${jobs}`);
    });
    const program = { folder: "/usr/bin", version: "1" };
    return new Repository({
      ...{ github, origin, groups: new ConcurrencyGroups(), slots: new Slots(2) },
      artifacts: new Artifacts(join(folder, "artifacts")),
      folder: join(folder, "jobs"),
      replace: () => Promise.resolve(undefined),
      onOutput: () => undefined,
      log: () => undefined,
      machine: {
        ...{ environment: { PATH: process.env["PATH"] ?? "" }, node: program, pulumi: program, nodeModules: folder },
        assumeRole: (role, subject) => {
          roles.push(`${role} ${subject}`);
          return Promise.resolve({ AWS_ACCESS_KEY_ID: "key" });
        },
      },
    });
  }

  const change = async (place: string): Promise<void> => {
    await writeFile(join(place, "change"), String(performance.now()));
  };

  async function pushed(jobs: string) {
    const repository = await repositoryWith(jobs);
    const [run] = await repository.pushToMain("ada", "Change", change);
    assert.ok(run !== undefined);
    await repository.idle();
    return { repository, run };
  }

  it("stops a job at the first command that fails, and skips the jobs that need it", async () => {
    const { run } = await pushed(`
  one: { steps: [{ id: bad, run: "false\\necho after" }, { run: echo second }, { if: failure() && steps.bad.outcome == 'failure', run: echo advice }] }
  two: { needs: one, steps: [{ run: echo two }] }
  three: { needs: two, if: "!cancelled()", steps: [{ run: echo three }] }
`);
    assert.deepEqual(run.results, { one: "failure", two: "skipped", three: "success" });
    assert.match(run.job("one").log, /\nadvice\n/);
    assert.doesNotMatch(run.job("one").log, /\n(after|second)\n/);
  });

  it("passes on outputs, variables and the environment", async () => {
    const { run } = await pushed(`
  one:
    env: { A: job, B: "\${{ vars.NAME }}" }
    outputs: { word: "\${{ steps.say.outputs.word }}" }
    steps:
      - { id: say, run: 'echo "word=x y" >> "$GITHUB_OUTPUT"; echo C=later >> "$GITHUB_ENV"' }
      - { run: 'echo "$A $B $C"', env: { A: step } }
  two: { needs: one, strategy: { matrix: { n: [1, 2] } }, name: "two \${{ matrix.n }}", steps: [{ run: 'echo "\${{ needs.one.outputs.word }}"' }] }
`);
    assert.match(run.job("one").log, /\nstep value later\n/);
    assert.deepEqual(run.results, { one: "success", "two 1": "success", "two 2": "success" });
    assert.match(run.job("two 2").log, /\nx y\n/);
  });

  it("waits for reviewers, holding its group meanwhile, and restarts only the jobs that have not succeeded", async () => {
    const { repository, run } = await pushed(`
  one: { steps: [{ run: echo one }] }
  two: { needs: one, environment: guarded, concurrency: { group: g, queue: max }, steps: [{ run: "test $ATTEMPT = 2", env: { ATTEMPT: "\${{ github.run_attempt }}" } }] }
`);
    assert.deepEqual(run.waitsFor, ["guarded"]);
    const [later] = await repository.pushToMain("ada", "Change", change);
    await repository.idle();
    assert.deepEqual(later?.results, { one: "success", two: "blocked" });
    run.approve("guarded");
    await repository.idle();
    assert.deepEqual(run.results, { one: "success", two: "failure" });
    assert.deepEqual(later.waitsFor, ["guarded"]);
    later.approve("guarded");
    await repository.idle();
    run.start();
    await repository.idle();
    run.approve("guarded");
    await repository.idle();
    assert.deepEqual(run.results, { one: "success", two: "success" });
    const states = github.deployments.map(({ states: [newest] }) => newest);
    assert.deepEqual(states, ["success", "failure", "failure"]);
  });

  it("assumes a role only with id-token: write, as the environment's job", async () => {
    const uses =
      "{ uses: aws-actions/configure-aws-credentials@0, with: { role-to-assume: 'arn:aws:iam::000000000000:role/r', aws-region: r } }";
    const { run } = await pushed(`
  with: { environment: main, permissions: { id-token: write }, steps: [${uses}, { run: 'echo "$AWS_ACCESS_KEY_ID $AWS_REGION"' }] }
  without: { environment: main, permissions: { contents: read }, steps: [${uses}] }
`);
    assert.deepEqual(run.results, { with: "success", without: "failure" });
    assert.deepEqual(roles, ["arn:aws:iam::000000000000:role/r repo:team/videos:environment:main"]);
    assert.match(run.job("with").log, /\nkey r\n/);
    assert.match(run.job("without").log, /id-token: write/);
  });

  it("refuses an environment to a ref that it does not accept", async () => {
    const repository = await repositoryWith("\n  one: { environment: main, steps: [{ run: echo one }] }\n");
    const { number } = await repository.openPullRequest("ada", "change", change);
    const [run] = await repository.label(number, "deploy", "ada");
    await repository.idle();
    assert.deepEqual(run?.results, { one: "failure" });
    assert.match(run.job("one").log, /refs\/pull\/1\/merge is not allowed to deploy to main/);
  });

  it("is an error if it uses an unsupported feature", async () => {
    const { run } = await pushed("\n  one: { steps: [{ uses: actions/unknown@0 }] }\n");
    assert.match(run.job("one").log, /does not implement the action actions\/unknown/);
    await rm(join(folder, "origin"), { recursive: true });
    const repository = await repositoryWith("\n  one: { container: x, steps: [] }\n");
    await assert.rejects(repository.pushToMain("ada", "Change", change), /sample.yml: .*container/s);
  });
});
