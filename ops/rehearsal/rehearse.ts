/** `npm run ci:rehearse`: takes a change through the stages of the pipeline on the local stack, without GitHub and AWS. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { checkVideo, connect, readOutputs } from "../../client/src/index.ts";
import { createCommand, repeatable, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { jsonLine, printableText } from "../../lib/printable.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment } from "../deployment/deployment.ts";
import { linkProject } from "../deployment/project-copy.ts";
import { removeForeignSettings } from "../local/foreign-settings.ts";
import { defaultSpeed, prepareSession, speedHelp } from "../local/local-stack.ts";
import type { EmulatorSession } from "../local/local-stack.ts";
import { defaultPort } from "../local/port.ts";
import { Progress } from "../../lib/progress.ts";
import type { Step } from "../../lib/progress.ts";
import { assumeJobRole, bootstrapDev, repository } from "./account.ts";
import type { JobRole } from "./account.ts";
import { source } from "./rehearsal-stages.ts";
import { rehearse } from "./rehearsal.ts";
import type { Change, Rehearsal } from "./rehearsal.ts";
import { checkSettings } from "../deployment/settings-check.ts";
import { changeSettings, parseSetting, readSetting } from "../deployment/settings-file.ts";
import type { Setting } from "../deployment/settings-file.ts";

/** Defines `rehearse`. */
export function rehearseCommand(context: CommandContext) {
  return createCommand("rehearse", "take a change through the stages of the pipeline on this machine")
    .description(
      `Takes the working tree, with the given settings, through the stages of the pipeline on the emulator: as the stack dev, with the roles of infra/bootstrap. The first failed stage ends the rehearsal. The stack is removed at the end.`,
    )
    .option(
      "--config <key=value>",
      "setting of the stack, as in Pulumi.local.yaml; may be repeated",
      repeatable(parseSetting),
    )
    .option("--config-file <file>", "settings file to use instead of Pulumi.local.yaml")
    .option("--video <file>", "good video of the smoke test (default: the repository's sample)")
    .option("--port <number>", "port of the emulator", wholeNumber("a whole number", 1, 65_535), defaultPort)
    .option("--speed <factor>", speedHelp, wholeNumber("a whole number", 1, 3600), defaultSpeed)
    .option("--json", "print one JSON object to standard output at the end", false)
    .addHelpText(
      "after",
      `
Stages:
  preview   previews with the policy pack; a refusal ends the rehearsal before any change
  up        updates the stack; only the changes of the preview are allowed
  smoke     runs the smoke test: one good video from zero instances, one bad file
  source    runs a video of a source bucket without uploading it
  scaling   updates the stack while an instance starts for a queued video, which must get a result
  rollback  deploys an artifact that cannot be loaded; SageMaker must roll back the endpoint
  drift     compares the emulator's resources with the program

Example, which the policy pack refuses:
  npm run ci:rehearse -- --config minCapacity=1

Exit status: 0 all stages passed; 1 a stage failed; 2 invalid input; 130 interrupted by Ctrl-C.`,
    )
    .action(async (options) => {
      removeForeignSettings(context.environment);
      await rehearseChange(options, context);
    });
}

interface RehearseOptions {
  readonly config?: readonly Setting[] | undefined;
  readonly configFile?: string | undefined;
  readonly video?: string | undefined;
  readonly port: number;
  readonly speed: number;
  readonly json: boolean;
}

/** Rehearses with a temporary settings file. */
async function rehearseChange(options: RehearseOptions, context: CommandContext): Promise<void> {
  const settings = options.config ?? [];
  const video = options.video === undefined ? undefined : resolve(options.video);
  if (video !== undefined) await checkVideo(video);
  await using temporary = await mkdtempDisposable(join(tmpdir(), "rehearsal-"));
  const folder = temporary.path;
  const configFile = join(folder, "Pulumi.local.yaml");
  const ownFile = resolve(options.configFile ?? join(repoRoot, "Pulumi.local.yaml"));
  await changeSettings(ownFile, configFile, settings);
  await checkSettings({ stack: "local", file: configFile, shownFile: ownFile, given: settings, takesConfig: true });
  const progress = new Progress(context.stderr);
  const environment = await prepareSession({
    port: options.port,
    speed: options.speed,
    progress,
    signal: context.signal,
    configFile,
  });
  const rehearsal = await onSession(environment, { folder, configFile, video }, progress);
  context.stdout.write(options.json ? `${jsonLine(rehearsal)}\n` : textOf(rehearsal));
  if (!rehearsal.passed) context.exitWith(1);
}

function textOf({ stages, next }: Rehearsal): string {
  const lines = stages.map(({ name, outcome, seconds, said }) => {
    const time = outcome === "not run" ? "" : `${seconds.toFixed(1)} s`;
    const [first = "", ...more] = printableText(said).split("\n");
    return [
      `${name.padEnd(9)}${outcome.padEnd(9)}${time.padStart(8)}  ${first}`,
      ...more.map((line) => `  ${line}`),
    ].join("\n");
  });
  return `\n${lines.join("\n")}\n\n${next}\n`;
}

/** Files of a rehearsal. */
interface RehearsalFiles {
  readonly folder: string;
  readonly configFile: string;
  readonly video: string | undefined;
}

/** Rehearses, and removes the stack in any case. */
async function onSession(environment: EmulatorSession, files: RehearsalFiles, progress: Progress): Promise<Rehearsal> {
  const { signal } = environment;
  try {
    await using cleanup = new AsyncDisposableStack();
    const { result: change } = await progress.step("Deploying infra/bootstrap, and assuming its roles", (step) =>
      openChange(environment, files, step, cleanup),
    );
    const rehearsal = await rehearse(change, progress, signal);
    await environment.takeDown(change.deployment);
    return rehearsal;
  } catch (error) {
    await environment.abandon();
    throw environment.signal.aborted ? environment.signal.reason : error;
  }
}

/** Sessions of the pipeline's jobs, in seconds: as in the workflows. */
const sessionSeconds = { preview: 3_600, deploy: 7_200 };

/**
 * Bootstraps the emulator's account, and opens the change as the stack dev, with the roles of the pipeline's jobs: the
 * preview role for previews and the drift check, the deploy role for everything else.
 */
async function openChange(
  { aws, paths, signal }: EmulatorSession,
  { folder, configFile, video }: RehearsalFiles,
  step: Step,
  cleanup: AsyncDisposableStack,
): Promise<Change> {
  const ownSources = z
    .array(z.unknown())
    .default([])
    .parse(await readSetting(configFile, "sourceBuckets"));
  const account = await bootstrapDev(aws, { folder, paths }, [...ownSources, source], step, signal);
  const projectFolder = join(folder, "project");
  const settings = join(folder, "dev.yaml");
  await changeSettings(configFile, settings, account.settings);
  await linkProject(projectFolder, "dev", settings);
  const roleOf = async (arn: string, environment: string, seconds: number): Promise<JobRole> =>
    cleanup.use(await assumeJobRole(aws, arn, `repo:${repository}:environment:${environment}`, seconds));
  const preview = await roleOf(account.previewRoleArn, "preview", sessionSeconds.preview);
  const deploy = await roleOf(account.deployRoleArn, "dev", sessionSeconds.deploy);
  const openAs = ({ providerPort, environment }: JobRole, file: string): Promise<Deployment> =>
    Deployment.openAt(
      {
        ...{ stackName: "dev", projectFolder, configFile: file, paths, providerPort, environment },
        policyConfigFile: join(repoRoot, "policies", "config.local.json"),
      },
      paths.outputs,
    );
  return {
    deployment: await openAs(deploy, settings),
    previewed: await openAs(preview, settings),
    environment: deploy.environment,
    connect: async () => connect(await readOutputs({ outputs: paths.outputs }), deploy.credentials),
    outputs: paths.outputs,
    planFile: join(folder, "plan.json"),
    folder,
    video,
    async deploymentWith(...further: Setting[]) {
      const changed = join(folder, "further.yaml");
      await changeSettings(settings, changed, further);
      return await openAs(deploy, changed);
    },
  };
}
