/** `npm run ci:rehearse`: takes a change through the pipeline's stages on the local stack, without GitHub and without AWS. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkVideo } from "../../client/src/index.ts";
import { jsonLine, printableText } from "../../lib/printable.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment } from "../deployment/deployment.ts";
import { runCommand } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { defaultSpeed, prepareSession, type EmulatorSession } from "../local/local-stack.ts";
import { parseOptions } from "../options.ts";
import { defaultPort } from "../local/port.ts";
import { Progress } from "../progress.ts";
import { rehearse, type Change, type Rehearsal } from "./rehearsal.ts";
import { checkSettings } from "../deployment/settings-check.ts";
import { changeSettings, parseSetting, type Setting } from "../deployment/settings-file.ts";

const help = `Usage: npm run ci:rehearse -- [--config KEY=VALUE]… [--config-file FILE] [--video FILE]
                              [--port P] [--speed N] [--json]

Takes a change through the pipeline's stages on the stack "local", on this machine: what the working
tree says, with the settings given here. The first stage that fails stops it; the stack is taken
down afterwards.

  preview  the engine's preview, evaluated by the policy pack: a refusal stops the change before
           anything is touched
  up       the update, held to the plan that the preview made
  smoke    the post-deploy test: one good video from zero instances, one bad file
  source   a bucket outside the stack becomes a source bucket; a video there is answered without an upload
  scaling  another update, while the first instance starts for a queued video: the video is answered
  rollback an artifact that no instance can load: SageMaker rolls the update back, the deployment
           fails, and what the endpoint runs on stays; then the change is deployed again
  drift    AWS is read back and compared with what the program says

  --config KEY=VALUE  a setting of the stack, as in Pulumi.local.yaml; may be repeated
  --config-file FILE  takes the place of Pulumi.local.yaml
  --video FILE        the smoke test's good video (default: the repository's sample)
  --port P            the emulator's port (default: ${defaultPort})
  --speed N           how many times faster than real time the clock runs while nothing starts and
                      nothing works, 1 to 3600 (default: ${defaultSpeed})
  --json              print, last, one JSON object on standard output

For example, what the policy pack refuses:  npm run ci:rehearse -- --config minCapacity=1

Exit status: 0 the change may go, 1 a stage stopped it, 2 bad input, 130 Ctrl-C.
`;

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

await runCommand(async () => {
  const options = parseOptions(process.argv.slice(2), ["config", "config-file", "video", "port", "speed", "json"]);
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const settings = (options.config ?? []).map(parseSetting);
  const video = options.video === undefined ? undefined : resolve(options.video);
  if (video !== undefined) await checkVideo(video);
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-"));
  try {
    const configFile = join(folder, "Pulumi.local.yaml");
    const ownFile = resolve(options["config-file"] ?? join(repoRoot, "Pulumi.local.yaml"));
    await changeSettings(ownFile, configFile, settings);
    await checkSettings({ stack: "local", file: configFile, shownFile: ownFile, given: settings, takesConfig: true });
    const progress = new Progress();
    const environment = await prepareSession({
      port: options.port,
      speed: options.speed,
      progress,
      signal: interruptSignal(),
      configFile,
    });
    const change = {
      deployment: environment.deployment,
      outputs: environment.paths.outputs,
      planFile: join(folder, "plan.json"),
      folder,
      video,
      async deploymentWith(...further: Setting[]) {
        const changed = join(folder, "further.yaml");
        await changeSettings(configFile, changed, further);
        return await Deployment.open(environment.aws, environment.paths, changed);
      },
    };
    const rehearsal = await onSession(environment, change, progress);
    process.stdout.write(options.json ? `${jsonLine(rehearsal)}\n` : textOf(rehearsal));
    if (!rehearsal.passed) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Rehearses, and takes the stack down whatever came of it. */
async function onSession(environment: EmulatorSession, change: Change, progress: Progress): Promise<Rehearsal> {
  try {
    const rehearsal = await rehearse(change, progress, environment.signal);
    await environment.takeDown();
    return rehearsal;
  } catch (error) {
    await environment.abandon();
    throw environment.signal.aborted ? environment.signal.reason : error;
  }
}
