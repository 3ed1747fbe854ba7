/** Each command of README.md, CONTRIBUTING.md and the pages in docs/, and the test that runs it. */

/** A test that runs the command. */
export interface RunByTest {
  readonly command: string;
  /** Path of the test, relative to the project's folder. */
  readonly test: string;
  /** Text in the test that runs the command. */
  readonly text: string;
}

/** A command that continuous integration runs unchanged. */
export interface RunByCi {
  readonly command: string;
  /** The npm script that runs the command, possibly with others. `.ci/run` must reach it. */
  readonly ci: string;
}

/** A command that no test can run. */
export interface NotRun {
  readonly command: string;
  readonly needs: "an AWS account" | "GitHub";
}

/** Every command, spelled as on the pages. */
export const readmeCommands: readonly (RunByTest | RunByCi | NotRun)[] = [
  { command: "npm start", test: "e2e/stack/start.e2e.ts", text: '"ops/main.ts", "start"' },
  { command: "npm test", ci: "test" },
  { command: "npm run local:up", test: "e2e/stack/local.e2e.ts", text: 'local("up"' },
  {
    command: 'eval "$(npm run -s local:env)"',
    test: "e2e/stack/local.e2e.ts",
    text: 'eval "$(node ops/main.ts local env)"',
  },
  {
    command: 'eval "$(npm run -s local:env -- --role caller)"',
    test: "e2e/stack/local.e2e.ts",
    text: 'eval "$(node ops/main.ts local env --role ${role})"',
  },
  {
    command: "npm run explain -- --role caller --action s3:PutObject --resource arn:aws:s3:::BUCKET/input/KEY",
    test: "e2e/stack/local.e2e.ts",
    text: '"explain", "--role", "caller"',
  },
  {
    command: "npm run submit -- FILE --wait",
    test: "e2e/parts/access-policies.long.e2e.ts",
    text: '"submit", video, "--wait"',
  },
  {
    command: "npm run submit -- FILE FOLDER --journal jobs.jsonl",
    test: "e2e/stack/local.e2e.ts",
    text: '"submit", sample, folder',
  },
  {
    command: "npm run submit -- --resume --journal jobs.jsonl",
    test: "e2e/stack/local.e2e.ts",
    text: '"submit", "--resume"',
  },
  { command: "npm run status -- jobs.jsonl", test: "e2e/stack/local.e2e.ts", text: 'client("status", jobs' },
  {
    command: "npm run fetch -- jobs.jsonl --annotate",
    test: "e2e/stack/local.e2e.ts",
    text: 'client("fetch", jobs, "--annotate"',
  },
  { command: "npm run fetch -- --id INFERENCE-ID", test: "e2e/stack/local.e2e.ts", text: 'client("fetch", "--id"' },
  {
    command: "npm run submit -- clips/ s3://BUCKET/PREFIX/ --stack dev --fps 2 --score 0.6 --masks --wait",
    needs: "an AWS account",
  },
  { command: "pulumi login 's3://BUCKET/dev?region=us-east-1'", needs: "an AWS account" },
  {
    command: "pulumi stack init dev --secrets-provider 'awskms://alias/NAME?region=us-east-1'",
    needs: "an AWS account",
  },
  { command: "npm run doctor -- --stack dev", test: "e2e/stack/doctor.e2e.ts", text: '"ops/main.ts", "doctor"' },
  {
    command: "pulumi up --stack dev --policy-pack policies --policy-pack-config policies/config.dev.json",
    needs: "an AWS account",
  },
  { command: "npm run smoke -- --stack dev", needs: "an AWS account" },
  {
    command:
      "aws sagemaker update-endpoint-weights-and-capacities --endpoint-name ENDPOINT --desired-weights-and-capacities VariantName=AllTraffic,DesiredInstanceCount=0",
    needs: "an AWS account",
  },
  {
    command: "npm run redrive",
    test: "e2e/parts/burst.long.e2e.ts",
    text: 'command("redrive"',
  },
  {
    command: "npm run burst -- --count 200",
    test: "e2e/parts/burst.long.e2e.ts",
    text: '"burst", "--count"',
  },
  {
    command: "npm run smoke",
    test: "e2e/stack/local.e2e.ts",
    text: '"smoke/main.ts", "--stack", "local"',
  },
  { command: "npm run local:status", test: "e2e/stack/local.e2e.ts", text: 'local("status"' },
  {
    command: "npm run local:up -- --provider official",
    test: "ops/local/official-provider.test.ts",
    text: "findOfficialProvider",
  },
  {
    command: 'npm run local:wait -- --until "$(date -u -d tomorrow +%FT08:00:00Z)"',
    test: "e2e/stack/local.e2e.ts",
    text: 'local("wait", "--until"',
  },
  { command: "npm run local:down", test: "e2e/stack/local.e2e.ts", text: 'local("down"' },
  { command: "pulumi preview --stack local", test: "e2e/stack/local.e2e.ts", text: "pulumi preview --stack local" },
  { command: "npm run preview -- --stack prod", test: "e2e/stack/preview.e2e.ts", text: '"ops/main.ts", "preview"' },
  { command: "npm run check", ci: "check" },
  { command: "npm run -s check:iam", ci: "check:iam" },
  { command: "npm run test:unit", ci: "test:unit" },
  { command: "npm run test:model", ci: "test:model" },
  { command: "npm run test:policies", ci: "test:unit" },
  {
    command: "npm run -s bench:iam -- --json",
    test: "e2e/stack/bench-start.long.e2e.ts",
    text: '"bench:iam"',
  },
  {
    command: "npm run -s bench:model -- --json",
    test: "e2e/parts/benches.long.e2e.ts",
    text: 'startsWith("bench:")',
  },
  {
    command: "npm run -s bench:client -- --json",
    test: "e2e/parts/benches.long.e2e.ts",
    text: 'startsWith("bench:")',
  },
  {
    command: "npm run -s bench:parts -- --json",
    test: "e2e/parts/benches.long.e2e.ts",
    text: 'startsWith("bench:")',
  },
  {
    command: "npm run -s bench:planner -- --json",
    test: "e2e/parts/benches.long.e2e.ts",
    text: 'startsWith("bench:")',
  },
  {
    command: "npm run plan -- --stack prod --burst 1000 --seconds 30",
    test: "ops/plan/plan.test.ts",
    text: "--stack prod --burst",
  },
  {
    command: "npm run plan -- --stack prod --burst 200 --seconds 60 --deadline 2h",
    test: "ops/plan/plan.test.ts",
    text: '"--deadline", "1h"',
  },
  {
    command: "npm run plan -- --arrivals poisson:4/min --hours 8 --seconds lognormal:30,60 --compare",
    test: "ops/plan/plan.test.ts",
    text: '"--compare"',
  },
  {
    command: "npm run plan -- --scenario blog --json",
    test: "ops/plan/plan.test.ts",
    text: '"--scenario", "blog"',
  },
  {
    command: "npm run plan -- --stack prod --from-burst out/burst-0a1b2c3d/measurements.json",
    test: "ops/plan/plan.test.ts",
    text: '"--from-burst", file, "--stack", "prod"',
  },
  {
    command: "npm run -s bench:policies -- --json",
    test: "e2e/parts/benches.long.e2e.ts",
    text: 'startsWith("bench:")',
  },
  {
    command: "npm run -s bench:program -- --json",
    test: "e2e/parts/benches.long.e2e.ts",
    text: 'startsWith("bench:")',
  },
  {
    command: "npm run -s bench:start -- --json",
    test: "e2e/stack/bench-start.long.e2e.ts",
    text: 'runBenchmark("bench:start"',
  },
  {
    command: "npm run ci:rehearse",
    test: "e2e/stack/rehearse.long.e2e.ts",
    text: 'run(["ops/main.ts", "rehearse", "--port"',
  },
  {
    command: "npm run ci:rehearse -- --config maxCapacity=1",
    test: "e2e/stack/rehearse.long.e2e.ts",
    text: 'command("--config"',
  },
];
