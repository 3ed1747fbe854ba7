/** `npm start`: one video end to end on this machine, from nothing to nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { performance } from "node:perf_hooks";
import { join, relative, resolve } from "node:path";
import { z } from "zod";
import { checkOutputs, checkVideo, connect, InputError, MAX_INPUT_BYTES } from "../../client/src/index.ts";
import { readSetupSeconds, repoRoot } from "../../tools/paths.mjs";
import { messageOf, runCommand } from "../exit.ts";
import { Interrupted, interruptSignal } from "../interrupt.ts";
import { bringUp, defaultSpeed, localState } from "../local/local-stack.ts";
import { durationOf, ModelCommandError, startDrawing, type WeightsName } from "./model.ts";
import { backToZero, oneVideo, waitForZero } from "./one-video.ts";
import { parseOptions, type StartOptions } from "../options.ts";
import { defaultPort } from "../local/port.ts";
import { Progress } from "../progress.ts";
import { readSetting } from "../deployment/settings-file.ts";
import { figuresText, filesText, foundText, jsonSummary, type Report } from "./summary.ts";
import { chooseWeights, expectation, localSettings, writeCocoSettings } from "./weights.ts";

const sample = resolve(repoRoot, "model/samples/street.mp4");
const outFolder = resolve(repoRoot, "out");

const help = `Usage: npm start -- [--video FILE] [--weights small|coco] [--speed N] [--port P] [--keep] [--json]

Starts AWS on this machine, deploys the Pulumi stack "local" to it, sends one video through the
asynchronous endpoint, shows what was found, and takes everything down again. The result and the
annotated video go to a new folder, out/run-1, out/run-2 and so on.

  --video FILE  the video to send (default: ${relative(repoRoot, sample)})
  --weights W   small: in the repository, accurate on the sample only
                coco: for real footage; 178 MB, downloaded once to model/dist/weights
                (default: small for the sample; for your video coco, or small with a notice
                if coco cannot be downloaded)
  --speed N     how many times faster than real time the clock runs while nothing starts and
                nothing works, 1 to 3600 (default: ${defaultSpeed})
  --port P      the emulator's port (default: ${defaultPort})
  --keep        leave the stack up; npm run local:down takes it down
  --json        print, last, one JSON object on standard output; all else goes to standard error

The times of set-up, deployment and the whole run are in seconds of real time. The times from zero
instances, in the backlog and in the model are in seconds on the stack's clock, as on AWS.

Exit status: 0 all went well, 1 the stack or the job failed, 2 bad input, 130 Ctrl-C.
`;

await runCommand(async () => {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  let saved: string | undefined;
  try {
    await run(options, (folder) => (saved = folder));
  } catch (error) {
    throw error instanceof Interrupted && saved !== undefined
      ? error.leaving(`The stack is gone. What was found is in ${relative(process.cwd(), saved)}.`)
      : error;
  }
});

/** Takes the video through a new stack and shows what came of it; `onSaved` is told the folder that has the result. */
async function run(options: StartOptions, onSaved: (folder: string) => void): Promise<void> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const signal = interruptSignal();
  const progress = new Progress();
  const show = (text: string) => {
    if (!options.json) process.stdout.write(text);
  };
  const video = resolve(options.video ?? sample);
  const duration = await checkFirst(video, options, signal);
  const weights = await chooseWeights({ asked: options.weights, footage: options.video }, progress, signal);
  if (duration !== "not asked") progress.say(expectation(weights, duration));

  await using cleanup = new AsyncDisposableStack();
  const { port, speed, keep } = options;
  const stack = await bringUp({ port, speed, keep, progress, signal, ...(await modelOf(weights, cleanup)) });
  let measured: Pick<Report, "run" | "drawn" | "resultSeconds" | "instancesAfter">;
  try {
    using client = connect(checkOutputs(stack.outputs, "The stack's outputs"), stack.aws.credentials);
    await waitForZero(client, progress, stack.signal);
    const found = await oneVideo(client, { video, out: outFolder, onSaved }, progress, stack.signal);
    show(foundText({ video: options.video ?? relative(process.cwd(), sample), weights, run: found }));
    // It runs while the endpoint goes back to zero.
    await using drawing = startDrawing(video, found.result, found.folder, stack.signal);
    const drawnAt = drawing.finished.then(seconds, () => NaN);
    const instancesAfter = await backToZero(client, progress, stack.signal);
    const { result: drawn } = await progress.step("Drawing the result's boxes", () => drawing.finished);
    show(filesText(drawn));
    measured = { run: found, drawn, resultSeconds: await drawnAt, instancesAfter };
  } catch (error) {
    if (stack.signal.aborted) {
      await stack.abandon();
      throw stack.signal.reason;
    }
    // What went wrong first is what the person must hear last.
    await stack.takeDown().catch((problem: unknown) => {
      progress.say(messageOf(problem));
    });
    throw error;
  }
  if (options.keep) {
    await stack.aws.release();
    progress.say(`The stack stays up at ${stack.aws.url}. Take it down with: npm run local:down`);
    if (weights === "coco") {
      const settings = relative(process.cwd(), localState.settings);
      progress.say(`Its settings, with the COCO weights, are in ${settings}. After local:env, pulumi uses this file.`);
    }
  } else {
    await stack.takeDown();
  }
  const setupSeconds = readSetupSeconds();
  const report: Report = { video, weights, stack, setupSeconds, totalSeconds: setupSeconds + seconds(), ...measured };
  process.stdout.write(options.json ? jsonSummary(report) : figuresText(report));
}

/**
 * Checks the video before anything starts: its size, and whether the handler can open it. Returns its seconds, undefined if it does
 * not state them.
 * @throws InputError if it is none
 */
async function checkFirst(
  video: string,
  options: StartOptions,
  signal: AbortSignal,
): Promise<number | undefined | "not asked"> {
  const maxMebibytes = z
    .number()
    .optional()
    .parse(await readSetting(localSettings, "maxRequestSize"));
  await checkVideo(video, maxMebibytes === undefined ? MAX_INPUT_BYTES : maxMebibytes * 1024 ** 2);
  if (options.video === undefined && options.weights === undefined) return "not asked";
  try {
    return await durationOf(video, signal);
  } catch (error) {
    throw error instanceof ModelCommandError ? new InputError(error.message) : error;
  }
}

/** What the local stack needs for the weights. */
async function modelOf(
  weights: WeightsName,
  cleanup: AsyncDisposableStack,
): Promise<{ configFile?: string; packaged: boolean }> {
  if (weights === "small") return { packaged: false };
  const folder = await mkdtemp(join(tmpdir(), "coco-"));
  cleanup.defer(() => rm(folder, { recursive: true }));
  const configFile = join(folder, "Pulumi.local.yaml");
  await writeCocoSettings(configFile);
  return { configFile, packaged: true };
}
