/** `npm start`: one video end to end on this machine, from nothing to nothing. */
import { performance } from "node:perf_hooks";
import { relative, resolve } from "node:path";
import { checkOutputs, checkVideo, connect } from "../client/index.ts";
import { readSetupSeconds, repoRoot } from "../tools/paths.mjs";
import { messageOf, runCommand } from "./exit.ts";
import { interruptSignal } from "./interrupt.ts";
import { bringUp, defaultSpeed } from "./local-stack.ts";
import { type Annotation, type Drawing, startDrawing } from "./model.ts";
import { backToZero, oneVideo, type VideoRun, waitForZero } from "./one-video.ts";
import { parseOptions } from "./options.ts";
import { defaultPort } from "./port.ts";
import { Progress } from "./progress.ts";
import { jsonSummary, textSummary, type Report } from "./summary.ts";

const sample = resolve(repoRoot, "model/samples/street.mp4");
const outFolder = resolve(repoRoot, "out");

const help = `Usage: npm start -- [--video FILE] [--speed N] [--port P] [--keep] [--json]

Starts AWS on this machine, deploys the Pulumi stack "local" to it, sends one video through the
asynchronous endpoint, shows what was found, and takes everything down again.

  --video FILE  the video to send (default: ${relative(repoRoot, sample)})
  --speed N     how many times faster than real time the clock runs while nothing starts and
                nothing works, 1 to 3600 (default: ${defaultSpeed})
  --port P      the local AWS's port (default: ${defaultPort})
  --keep        leave the stack up; npm run local:down takes it down
  --json        print, last, one JSON object on standard output

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
  const started = performance.now();
  const signal = interruptSignal();
  const progress = new Progress();
  const video = resolve(process.cwd(), options.video ?? sample);
  await checkVideo(video);

  const stack = await bringUp({ port: options.port, speed: options.speed, keep: options.keep, progress, signal });
  await using background = new AsyncDisposableStack();
  const seconds = () => (performance.now() - started) / 1000;
  /** Waits for the drawing. It runs while the endpoint goes back to zero and the stack is taken down. */
  const drawn = async ({ finished }: Drawing): Promise<Annotation> =>
    (await progress.step("Drawing the result's boxes", () => finished)).result;
  let shown: { run: VideoRun; drawing: Drawing; drawnAt: Promise<number>; instancesAfter: number };
  try {
    using client = connect(checkOutputs(stack.outputs, "The stack's outputs"), stack.aws.credentials);
    await waitForZero(client, progress, stack.signal);
    const run = await oneVideo(client, video, outFolder, progress, stack.signal);
    const drawing = background.use(startDrawing(video, run.result, outFolder, stack.signal));
    const drawnAt = drawing.finished.then(seconds, () => NaN);
    shown = { run, drawing, drawnAt, instancesAfter: await backToZero(client, progress, stack.signal) };
    if (options.keep) await drawn(drawing);
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
  } else {
    await stack.takeDown();
  }
  const { run, drawing, drawnAt, instancesAfter } = shown;
  const files = await (options.keep ? drawing.finished : drawn(drawing));
  const setupSeconds = readSetupSeconds();
  const report: Report = {
    video,
    run,
    drawn: files,
    resultSeconds: await drawnAt,
    instancesAfter,
    stack,
    setupSeconds,
    totalSeconds: setupSeconds + seconds(),
  };
  process.stdout.write(options.json ? jsonSummary(report) : textSummary(report));
});
