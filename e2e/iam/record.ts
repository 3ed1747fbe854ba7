/** `npm run iam:record`: runs the commands that use a stack and deploy one, and writes the decisions about their calls. */
import { writeFile, mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCommand, repeatable, runProcess } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { recordingOf } from "./raw-recording.ts";
import { recordingFile } from "./recording.ts";
import { rehearse, useStack } from "./scenarios.ts";
import { currentAccountPolicies } from "./account-policies.ts";

function recordCommand(context: CommandContext) {
  return createCommand("npm run iam:record --", "record the calls that policies are for")
    .description(
      "Rehearses the pipeline as the bootstrap's roles, and uses the stack local as its callers and operators. Writes the emulator's decisions to emulator/iam/recording.json, for npm run check:iam.",
    )
    .option(
      "--raw <file>",
      "decisions of other commands, which ran with LAUNCHER_RECORDING=FILE, to add; may be repeated",
      repeatable((file: string) => file),
    )
    .option("--only-raw", "run no command", false)
    .addHelpText(
      "after",
      `
Example:
  npm run iam:record

Exit status: 0 written; 1 a command failed, or the policies in force are not the program's; 130 interrupted.`,
    )
    .action(async ({ raw = [], onlyRaw }) => {
      if (onlyRaw && raw.length === 0) throw new InvalidInputError("--only-raw needs --raw FILE.");
      await using temporary = await mkdtempDisposable(join(tmpdir(), "iam-record-"));
      const files = [...raw];
      if (!onlyRaw) {
        const file = join(temporary.path, "decisions.jsonl");
        // The emulators of the commands read it (emulator/ministack.ts).
        process.env["LAUNCHER_RECORDING"] = file;
        const report = (line: string): void => void context.stderr.write(`${line}\n`);
        await rehearse(report, context.signal);
        await useStack(temporary.path, report, context.signal);
        files.push(file);
      }
      const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
      const recording = recordingOf(texts.join(""), await currentAccountPolicies());
      const [policies, calls] = [
        JSON.stringify(recording.policies, undefined, 1),
        recording.calls.map((call) => JSON.stringify(call)),
      ];
      await writeFile(recordingFile, `{\n"policies": ${policies},\n"calls": [\n${calls.join(",\n")}\n]\n}\n`);
      context.stdout.write(`${calls.length} calls in ${recordingFile}\n`);
    });
}

await runProcess(recordCommand);
process.exit();
