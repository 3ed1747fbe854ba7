/** `npm run preview`: shows the changes of a deployment, computed by the real engine with the policy pack, without an AWS account. */
import { existsSync } from "node:fs";
import { mkdtempDisposable, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { stringify } from "yaml";
import { z } from "zod";
import { plural } from "../../client/src/index.ts";
import { createCommand, matching } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";
import { jsonLine, printable, printableText } from "../../lib/printable.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment } from "./deployment.ts";
import { linkProject } from "./project-copy.ts";
import type { Plan } from "./deployment.ts";
import { PolicyRefusal } from "./deployment-errors.ts";
import { removeForeignSettings } from "../local/foreign-settings.ts";
import { localArtifact, packageModel } from "../start/model.ts";
import { Progress } from "../../lib/progress.ts";
import { checkSettings } from "./settings-check.ts";
import { artifactKey, parseSettings } from "./settings-file.ts";
import { statePaths } from "../local/local-folder.ts";

/** Names of the stacks; pr-N is the stack of pull request N, which the pipeline creates from the template Pulumi.pr.yaml. */
const stackName = /^(dev|prod|local|pr-[1-9]\d{0,9})$/;

/** Account of a preview whose config allows any account: the emulator's. The provider calls no AWS API. */
const anyAccount = "000000000000";
/** Settings of the provider that change the plan. The others select an account. */
const planning = ["aws:region", "aws:defaultTags", "aws:ignoreTags", "aws:allowedAccountIds"];

const settingsSchema = z.object({
  config: z.looseObject({
    [artifactKey]: z.string().optional(),
    "aws:region": z.string().default("us-east-1"),
    "aws:allowedAccountIds": z.array(z.string()).default([]),
  }),
});

interface PreviewOptions {
  readonly stack: string;
  /** Settings of the policy pack. @default policies/config.<stack>.json */
  readonly policyConfigFile: string | undefined;
  readonly configFile: string;
}

/** Defines `preview`. */
export function previewCommand(context: CommandContext) {
  return createCommand("preview", "show what a deployment would create, without an AWS account")
    .description(
      "Shows what a first deployment of a stack would create, and evaluates it with the policy pack. The real engine runs, but calls no AWS API and creates nothing.",
    )
    .requiredOption(
      "--stack <name>",
      "stack: dev, prod, local, or pr-N for pull request N (Pulumi.pr.yaml)",
      stackOption,
    )
    .option("--config-file <file>", "settings file to use instead of the stack's own")
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText(
      "after",
      `
Example:
  npm run preview -- --stack prod

Exit status: 0 passed; 1 refused by a policy or the program; 2 invalid input; 130 interrupted.`,
    )
    .action(async ({ stack, configFile, json }) => {
      removeForeignSettings(context.environment);
      const isPullRequest = stack.startsWith("pr-");
      const file = resolve(configFile ?? join(repoRoot, `Pulumi.${isPullRequest ? "pr" : stack}.yaml`));
      if (!existsSync(file)) throw new InvalidInputError(`There is no settings file ${file}. Check --config-file.`);
      // As the pipeline does (`ops/pipeline/update.ts`).
      const policyConfigFile = isPullRequest ? join(repoRoot, "policies", "config.dev.json") : undefined;
      const headline = `Preview of the stack ${stack} without an AWS account: no AWS API is called, nothing is created.\n`;
      (json ? context.stderr : context.stdout).write(headline);
      const options = { stack, configFile: file, policyConfigFile };
      const plan = await preview(options, new Progress(context.stderr), context.signal).catch((error: unknown) => {
        if (json && error instanceof PolicyRefusal) {
          context.stdout.write(`${jsonLine({ stack, passed: false, violations: error.violations })}\n`);
        }
        throw error;
      });
      context.stdout.write(json ? `${jsonLine({ stack, passed: true, ...plan })}\n` : textOf(plan));
    });
}

function stackOption(text: string): string {
  if (text === "pr") throw new InvalidArgumentError("takes the stack of one pull request, such as pr-1");
  return matching(stackName, "takes dev, prod, local, or pr-N for pull request N")(text);
}

/** Copies the project with the given settings: Pulumi writes into the project's folder. */
async function copyProject(folder: string, stack: string, config: Readonly<Record<string, unknown>>): Promise<string> {
  const kept = Object.entries(config).filter(([key]) => !key.startsWith("aws:") || planning.includes(key));
  const settings = join(folder, "settings.yaml");
  await writeFile(settings, stringify({ config: Object.fromEntries(kept) }));
  const project = join(folder, "project");
  await linkProject(project, stack, settings);
  return project;
}

/** Replaces the stack's artifact by the small model's if it is a file that is not built. */
async function withArtifact<Config extends { readonly [artifactKey]?: string | undefined }>(
  config: Config,
  progress: Progress,
  signal: AbortSignal,
): Promise<Config> {
  const own = config[artifactKey];
  if (own === undefined || existsSync(resolve(repoRoot, own))) return config;
  progress.say(`There is no ${own}: the preview uses the small model instead.`);
  if (!existsSync(localArtifact)) {
    await progress.step("Packaging the small model", () => packageModel(signal));
  }
  return { ...config, [artifactKey]: localArtifact };
}

async function preview(options: PreviewOptions, progress: Progress, signal: AbortSignal): Promise<Plan> {
  const settings = await parseSettings(options.configFile);
  const parsed = settingsSchema.safeParse(settings);
  if (!parsed.success) {
    throw new InvalidInputError(
      `${options.configFile} has invalid settings: ${schemaProblems(settings, parsed.error)}.`,
      {
        hint: "docs/configuration.md lists the settings",
      },
    );
  }
  const config = await withArtifact(parsed.data.config, progress, signal);
  await using cleanup = new AsyncDisposableStack();
  const folder = await realpath(cleanup.use(await mkdtempDisposable(join(tmpdir(), "preview-"))).path);
  const project = await copyProject(folder, options.stack, config);
  const checked = { file: join(project, `Pulumi.${options.stack}.yaml`), shownFile: options.configFile };
  await checkSettings({ stack: options.stack, ...checked });
  const { startProvider } = await import("../../emulator/provider/server.ts");
  const provider = await startProvider({
    // Never called.
    endpoint: "http://127.0.0.1:9",
    region: config["aws:region"],
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    previewAccountId: config["aws:allowedAccountIds"][0] ?? anyAccount,
  });
  cleanup.defer(() => provider.stop());
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
}

function textOf({ planned, policies, advisories, notEvaluated }: Plan): string {
  const lines = planned.map(({ operation, type, name }) => `  ${printable(`${operation.padEnd(8)}${type}  ${name}`)}`);
  const advice = advisories.map((advisory) => `  ${printableText(advisory)}\n`).join("");
  return (
    `${lines.join("\n")}\n${planned.length} resources, passed ${policies} policies; ` +
    `${plural(notEvaluated, "rule")} cannot be checked before the deployment, ${plural(advisories.length, "advisory", "advisories")}.\n${advice}`
  );
}
