/** `npm start`: runs one video end to end on this machine, with a new local stack. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { performance } from "node:perf_hooks";
import { join, relative, resolve } from "node:path";
import { checkOutputs, checkVideo, connect, InputError } from "../../client/src/index.ts";
import { createCommand, oneOf, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { explain, InterruptedError } from "../../lib/errors.ts";
import { readSetupSeconds, repoRoot } from "../../tools/paths.mjs";
import { removeForeignSettings } from "../local/foreign-settings.ts";
import { bringUp, defaultSpeed, localState, speedHelp } from "../local/local-stack.ts";
import { roleCredentials } from "../local/roles.ts";
import { durationOf, ModelCommandError, startDrawing, weightsNames } from "./model.ts";
import type { WeightsName } from "./model.ts";
import { backToZero, oneVideo, waitForZero } from "./one-video.ts";
import { findOfficialProvider, providerHelp, providerKinds } from "../local/official-provider.ts";
import type { ProviderKind } from "../local/official-provider.ts";
import { defaultPort } from "../local/port.ts";
import { Progress } from "../../lib/progress.ts";
import { maxBytesOf } from "./local-size-limit.ts";
import { figuresText, filesText, foundText, jsonSummary } from "./summary.ts";
import type { Report } from "./summary.ts";
import { chooseWeights, expectation, localSettings, writeCocoSettings } from "./weights.ts";

const sample = resolve(repoRoot, "model/samples/street.mp4");
const outFolder = resolve(repoRoot, "out");

/** Defines `start`. */
export function startCommand(context: CommandContext) {
  return createCommand("start", "run one video end to end on this machine")
    .description(
      `Starts the AWS emulator, deploys the stack "local" to it, sends one video through the asynchronous endpoint, prints the detections, and removes everything. The result and the annotated video go to a new folder: out/run-1, out/run-2 and so on.`,
    )
    .option("--video <file>", "video to send", relative(repoRoot, sample))
    .option(
      "--weights <name>",
      "small: part of the repository, accurate on the sample only; coco: for real footage, 178 MB, downloaded once (default: small for the sample; coco for your video, or small with a notice if coco cannot be downloaded)",
      oneOf(weightsNames),
    )
    .option("--speed <factor>", speedHelp, wholeNumber("a whole number", 1, 3600), defaultSpeed)
    .option("--provider <name>", providerHelp, oneOf(providerKinds), "emulated")
    .option("--port <number>", "port of the emulator", wholeNumber("a whole number", 1, 65_535), defaultPort)
    .option("--keep", "keep the stack running; npm run local:down removes it", false)
    .option(
      "--json",
      "print one JSON object to standard output at the end, and everything else to standard error",
      false,
    )
    .addHelpText(
      "after",
      `
Example:
  npm start -- --video clip.mp4 --weights coco

Times of setup, deployment and the whole run are real seconds. Times from zero instances, in the
backlog and in the model are seconds of the emulated clock.

Exit status: 0 success; 1 the stack or the job failed; 2 invalid input; 130 interrupted by Ctrl-C.`,
    )
    .action(async (options, command) => {
      removeForeignSettings(context.environment);
      const isSample = command.getOptionValueSource("video") === "default";
      let saved: string | undefined;
      try {
        await run({ ...options, footage: isSample ? undefined : options.video }, context, (folder) => (saved = folder));
      } catch (error) {
        throw error instanceof InterruptedError && saved !== undefined
          ? error.leaving(`The stack is removed. The result is in ${relative(process.cwd(), saved)}.`)
          : error;
      }
    });
}

interface StartOptions {
  /** Path of the user's video; undefined for the sample. */
  readonly footage: string | undefined;
  readonly weights?: WeightsName | undefined;
  readonly speed: number;
  readonly provider: ProviderKind;
  readonly port: number;
  readonly keep: boolean;
  readonly json: boolean;
}

/** Sends the video through a new stack and prints the outcome. Passes the folder with the result to `onSaved`. */
async function run(
  options: StartOptions,
  { signal, stdout, stderr, environment }: CommandContext,
  onSaved: (folder: string) => void,
): Promise<void> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const progress = new Progress(stderr);
  const show = (text: string) => {
    if (!options.json) stdout.write(text);
  };
  const video = resolve(options.footage ?? sample);
  const duration = await checkFirst(video, options, signal);
  const officialProvider =
    options.provider === "official" ? () => findOfficialProvider({ environment, progress, signal }) : undefined;
  const weights = await chooseWeights({ asked: options.weights, footage: options.footage }, progress, signal);
  if (duration !== "not asked") progress.say(...expectation(weights, duration).split("\n"));

  await using cleanup = new AsyncDisposableStack();
  const { port, speed, keep } = options;
  const model = await modelOf(weights, cleanup);
  const stack = await bringUp({ port, speed, officialProvider, keep, progress, signal, ...model });
  let measured: Pick<Report, "run" | "drawn" | "resultSeconds" | "instancesAfter">;
  try {
    const outputs = checkOutputs(stack.outputs, "The stack's outputs");
    using caller = connect(outputs, roleCredentials(stack.aws, "caller"));
    using operator = connect(outputs, roleCredentials(stack.aws, "operator"));
    await waitForZero(operator, progress, stack.signal);
    const found = await oneVideo({ caller, operator }, { video, out: outFolder, onSaved }, progress, stack.signal);
    show(foundText({ video: options.footage ?? relative(process.cwd(), sample), weights, run: found }));
    // It runs while the endpoint scales to zero.
    await using drawing = startDrawing(video, found.result, found.folder, stack.signal);
    const drawnAt = drawing.finished.then(seconds, () => NaN);
    const instancesAfter = await backToZero(operator, progress, stack.signal);
    const { result: drawn } = await progress.step("Drawing the result's boxes", () => drawing.finished);
    show(filesText(drawn));
    measured = { run: found, drawn, resultSeconds: await drawnAt, instancesAfter };
  } catch (error) {
    if (stack.signal.aborted) {
      await stack.abandon();
      throw stack.signal.reason;
    }
    // Print the original error last.
    await stack.takeDown().catch((problem: unknown) => {
      progress.say(...explain(problem).split("\n"));
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
  stdout.write(options.json ? jsonSummary(report) : figuresText(report));
}

/**
 * Checks the video before anything starts: its size, and that the handler can open it. Returns its duration in seconds;
 * undefined if it does not state one.
 * @throws InputError if it is not a video
 */
async function checkFirst(
  video: string,
  options: StartOptions,
  signal: AbortSignal,
): Promise<number | undefined | "not asked"> {
  await checkVideo(video, await maxBytesOf(localSettings));
  if (options.footage === undefined && options.weights === undefined) return "not asked";
  try {
    return await durationOf(video, signal);
  } catch (error) {
    throw error instanceof ModelCommandError ? new InputError(error.message) : error;
  }
}

/** Returns the options of the local stack for the weights. */
async function modelOf(
  weights: WeightsName,
  cleanup: AsyncDisposableStack,
): Promise<{ configFile?: string; packaged: boolean }> {
  if (weights === "small") return { packaged: false };
  const folder = cleanup.use(await mkdtempDisposable(join(tmpdir(), "coco-")));
  const configFile = join(folder.path, "Pulumi.local.yaml");
  await writeCocoSettings(configFile);
  return { configFile, packaged: true };
}
