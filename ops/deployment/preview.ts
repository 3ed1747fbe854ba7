/** `npm run preview`: what a deployment of a stack would do, by the real engine with the policy pack, and no AWS account. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { plural } from "../../client/src/index.ts";
import { jsonLine, printable, printableText } from "../../lib/printable.ts";
import { startProvider } from "../../emulator/provider/server.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment, type Plan } from "./deployment.ts";
import { runCommand } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { localArtifact, packageModel } from "../start/model.ts";
import { problemOf, UsageError } from "../options.ts";
import { Progress } from "../progress.ts";
import { checkSettings } from "./settings-check.ts";
import { statePaths } from "../local/state.ts";

const stacks = ["dev", "prod", "local"];
/** A pull request's stack, which the pipeline makes of the template Pulumi.pr.yaml. */
const pullRequestStack = /^pr-[1-9]\d{0,9}$/;

const help = `Usage: npm run preview -- --stack dev|prod|local|pr-N [--config-file FILE] [--json]

Shows what a first deployment of a stack would create, and evaluates it with the policy pack, as the
real engine does. No AWS account is needed: AWS is asked nothing, and nothing is created.

  --stack NAME        the stack; pr-N is that of pull request N, from Pulumi.pr.yaml
  --config-file FILE  takes the place of the stack's settings file
  --json              print one JSON object on standard output

Exit status: 0 the stack passes, 1 a policy or the program refuses it, 2 bad input, 130 Ctrl-C.
`;

/** The provider asks no account who it is: a config that names none gets the emulator's. */
const anyAccount = "000000000000";
/** What of the provider's config changes the plan; the rest says how to reach an account. */
const planning = ["aws:region", "aws:defaultTags", "aws:ignoreTags", "aws:allowedAccountIds"];
/** What the program is, beside the stack's config: Pulumi writes into the project's folder, so it works in another one. */
const program = ["infra", "node_modules", "package.json"];
const artifactKey = "async-video-inference:modelArtifact";

const settingsSchema = z.object({
  config: z.looseObject({
    [artifactKey]: z.string().optional(),
    "aws:region": z.string().default("us-east-1"),
    "aws:allowedAccountIds": z.array(z.string()).default([]),
  }),
});

interface PreviewOptions {
  readonly stack: string;
  /** Takes the place of policies/config.<stack>.json. */
  readonly policyConfigFile: string | undefined;
  readonly configFile: string;
  readonly json: boolean;
}

const choice = `--stack ${stacks.join(", --stack ")}, or --stack pr-N for pull request N`;

function readOptions(args: readonly string[]): PreviewOptions | undefined {
  let values: { stack?: string; "config-file"?: string; json?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        stack: { type: "string" },
        "config-file": { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    throw new UsageError(`${problemOf(error)}. Add --help to see what there is.`);
  }
  if (values.help === true) return undefined;
  const { stack } = values;
  if (stack === undefined) throw new UsageError(`--stack NAME is missing. Use ${choice}.`);
  const isPullRequest = pullRequestStack.test(stack);
  if (stack === "pr") {
    throw new UsageError("pr is the template of pull requests' stacks. Name the stack of one: --stack pr-1.");
  }
  if (!isPullRequest && !stacks.includes(stack)) throw new UsageError(`There is no stack ${stack}. Use ${choice}.`);
  const configFile = resolve(values["config-file"] ?? join(repoRoot, `Pulumi.${isPullRequest ? "pr" : stack}.yaml`));
  if (!existsSync(configFile)) throw new UsageError(`There is no settings file ${configFile}. Check --config-file.`);
  // As the pipeline does (`ops/pipeline/update.ts`).
  const policyConfigFile = isPullRequest ? join(repoRoot, "policies", "config.dev.json") : undefined;
  return { stack, configFile, policyConfigFile, json: values.json ?? false };
}

/** A folder with the project in it, where the engine may write. Returns the account and region that the preview is for. */
async function copyProject(
  folder: string,
  { stack, configFile }: PreviewOptions,
  artifact: string | undefined,
): Promise<{ accountId: string; region: string }> {
  const parsed = settingsSchema.safeParse(parse(await readFile(configFile, "utf8")));
  if (!parsed.success) throw new UsageError(`${configFile}: ${z.prettifyError(parsed.error)}`);
  const { config } = parsed.data;
  const kept = Object.entries(config).filter(([key]) => !key.startsWith("aws:") || planning.includes(key));
  const settings = { config: { ...Object.fromEntries(kept), ...(artifact && { [artifactKey]: artifact }) } };
  await writeFile(join(folder, `Pulumi.${stack}.yaml`), stringify(settings));
  await copyFile(join(repoRoot, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  for (const name of program) await symlink(join(repoRoot, name), join(folder, name));
  return { accountId: config["aws:allowedAccountIds"][0] ?? anyAccount, region: config["aws:region"] };
}

/** The small artifact, if the stack's own is named but not built; building it is part of nobody's deployment. */
async function standIn(
  { configFile }: PreviewOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<string | undefined> {
  const parsed = settingsSchema.safeParse(parse(await readFile(configFile, "utf8")));
  const own = parsed.data?.config[artifactKey];
  if (own === undefined || existsSync(resolve(repoRoot, own))) return undefined;
  progress.say(`There is no ${own}: the small model stands in for it.`);
  if (!existsSync(localArtifact)) {
    await progress.step("Packaging the small model", () => packageModel(signal));
  }
  return localArtifact;
}

async function preview(options: PreviewOptions, progress: Progress, signal: AbortSignal): Promise<Plan> {
  const artifact = await standIn(options, progress, signal);
  const folder = await realpath(await mkdtemp(join(tmpdir(), "preview-")));
  try {
    const project = join(folder, "project");
    await mkdir(project);
    const { accountId, region } = await copyProject(project, options, artifact);
    const checked = { file: join(project, `Pulumi.${options.stack}.yaml`), shownFile: options.configFile };
    await checkSettings({ stack: options.stack, ...checked });
    const provider = await startProvider({
      // Never called.
      endpoint: "http://127.0.0.1:9",
      region,
      credentials: { accessKeyId: "none", secretAccessKey: "none" },
      previewAccountId: accountId,
    });
    try {
      const deployment = await Deployment.openAt({
        stackName: options.stack,
        policyConfigFile: options.policyConfigFile,
        projectFolder: project,
        paths: statePaths(folder),
        providerPort: provider.port,
        environment: {},
      });
      const { result } = await progress.step(`Previewing the stack ${options.stack}`, (step) =>
        deployment.preview(step, signal),
      );
      return result;
    } finally {
      await provider.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function textOf({ planned, policies, advisories, notEvaluated }: Plan): string {
  const lines = planned.map(({ operation, type, name }) => `  ${printable(`${operation.padEnd(8)}${type}  ${name}`)}`);
  const advice = advisories.map((advisory) => `  ${printableText(advisory)}\n`).join("");
  return (
    `${lines.join("\n")}\n${planned.length} resources, passed ${policies} policies; ` +
    `${plural(notEvaluated, "rule")} cannot be checked before the deployment, ${plural(advisories.length, "advisory", "advisories")}.\n${advice}`
  );
}

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(help);
    return;
  }
  const progress = new Progress();
  const headline = `An account-free preview of the stack ${options.stack}: AWS is asked nothing, nothing is created.\n`;
  (options.json ? process.stderr : process.stdout).write(headline);
  const plan = await preview(options, progress, interruptSignal());
  process.stdout.write(options.json ? `${jsonLine({ stack: options.stack, ...plan })}\n` : textOf(plan));
});
