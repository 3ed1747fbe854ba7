/** `npm run doctor`: checks that a stack can be deployed from this machine and prints remedies; changes nothing. */
import { join } from "node:path";
import { createCommand } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { jsonLine } from "../../lib/printable.ts";
import { reportOf } from "./report.ts";
import { readStackFile } from "./stack-file.ts";

/** Defines `doctor`. */
export function doctorCommand({ stdout, exitWith }: CommandContext) {
  return createCommand("doctor", "check that a stack can be deployed from this machine")
    .description(
      `Checks the requirements of a stack's first deployment and prints problems with their remedies: the config, credentials, account and region, the quota of the instance type, the serving image, the model artifact, Pulumi's state and the key of its secrets, remains of an earlier deployment, the source buckets and the price. With GITHUB_TOKEN or GH_TOKEN it also checks GitHub's environments and the protection of main. Creates and changes nothing.`,
    )
    .requiredOption("--stack <name>", "name of the stack, whose file is Pulumi.NAME.yaml")
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText(
      "after",
      `
Example:
  npm run doctor -- --stack dev

Exit status: 0 no problems; 1 problems; 2 invalid input, or no such stack.`,
    )
    .action(async ({ stack: name, json }) => {
      const stack = await readStackFile(join(import.meta.dirname, "..", ".."), name);
      // The AWS SDKs take a second to load, so they load after the command line and the stack are validated.
      const { examine, processContext } = await import("./checks.ts");
      const findings = await examine(stack, processContext);
      const healthy = !findings.some(({ status }) => status === "problem");
      stdout.write(json ? `${jsonLine({ stack: stack.name, healthy, findings })}\n` : reportOf(findings));
      exitWith(healthy ? 0 : 1);
    });
}
