/** Options of submit and burst: every option of the handler, and those of the jobs. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { oneOf, wholeNumber } from "../../../lib/command-line.ts";
import { stackCommand } from "../session.ts";
import { encodings, problemsWith, resultFormats, samplings } from "../../src/model-options.ts";

/** Returns the parser of an option with the numbers that the handler accepts. */
function modelNumber(name: "fps" | "score"): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isNaN(value)) throw new InvalidArgumentError("takes a number");
    const [problem] = problemsWith({ [name]: value });
    // The command line puts the option's name before the problem.
    if (problem !== undefined) throw new InvalidArgumentError(problem.slice(`${name} `.length));
    return value;
  };
}

/** Starts the definition of a command on a stack that sends videos. */
export function modelCommand(name: string, description: string) {
  return stackCommand(name, description)
    .option("--fps <n>", "frames to analyse per second of video, up to 1000 (default: as deployed)", modelNumber("fps"))
    .option("--score <n>", "minimum score of a detection, 0..1 (default: as deployed)", modelNumber("score"))
    .option("--sampling <way>", "exact, or keyframe: a nearby keyframe, faster (default: exact)", oneOf(samplings))
    .option("--masks", "return each object's mask, too", false)
    .option("--max-side <pixels>", "longer side of a frame as the model sees it", wholeNumber("whole pixels", 64, 8192))
    .option("--format <form>", "json, or ndjson: one line per frame (default: json)", oneOf(resultFormats))
    .option("--encoding <way>", "identity, or gzip: compressed results (default: identity)", oneOf(encodings))
    .option("--ttl <seconds>", "maximum time in the queue (default: 21600)", wholeNumber("whole seconds", 60, 21_600))
    .option(
      "--timeout <seconds>",
      "time limit of one run (default: the stack's)",
      wholeNumber("whole seconds", 1, 3600),
    )
    .option("--concurrency <n>", "concurrent videos, 1..64 (default: 8)", wholeNumber("a whole number", 1, 64))
    .option("--dry-run", "print videos, size and price, and send nothing", false);
}
