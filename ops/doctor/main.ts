/** `npm run doctor`: checks that a stack can be deployed from this machine and prints remedies; changes nothing. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { jsonLine, printableText } from "../../lib/printable.ts";
import { useProxies } from "../../lib/proxies.ts";
import { remedyFor } from "../../lib/remedies.ts";
import { reasonOf } from "./finding.ts";
import { reportOf } from "./report.ts";
import { readStackFile, SetupError } from "./stack-file.ts";

const help = `Usage: npm run doctor -- --stack NAME [--json]

Checks the requirements of a stack's first deployment and prints problems with their remedies: the
config, credentials, account and region, the quota of the instance type (with the other stacks
that share it), the serving image, the model artifact, Pulumi's state and the key of its secrets,
remains of an earlier deployment, the source buckets and the price. With GITHUB_TOKEN or GH_TOKEN
it also checks GitHub's environments and the protection of main. It only reads: nothing is created
or changed.

Example: npm run doctor -- --stack dev

  --stack NAME  name of the stack, whose file is Pulumi.NAME.yaml
  --json        print one JSON object on standard output

Exit status: 0 no problems, 1 problems, 2 wrong usage or no such stack.
`;

function readOptions(args: readonly string[]): { readonly stack: string; readonly json: boolean } | undefined {
  let values: { stack?: string; json?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        stack: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split(/\.(?: |$)|\n/)[0] ?? ""}. Add --help for the usage.`);
  }
  if (values.help === true) return undefined;
  if (values.stack === undefined) throw new SetupError("--stack NAME is missing. Add --help for the usage.");
  return { stack: values.stack, json: values.json ?? false };
}

/** Returns the text to print for an error: the stack trace only for a fault of this program. */
function wordsOf(error: unknown): string {
  if (error instanceof SetupError) return error.message;
  const remedy = remedyFor(error);
  if (remedy !== undefined) return `${reasonOf(error)} (${remedy})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

useProxies();
try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(help);
  } else {
    const stack = await readStackFile(join(import.meta.dirname, "..", ".."), options.stack);
    // The AWS SDKs take a second to load, so they load after the command line and the stack are validated.
    const { examine, processContext } = await import("./examine.ts");
    const findings = await examine(stack, processContext);
    const healthy = !findings.some(({ status }) => status === "problem");
    process.stdout.write(options.json ? `${jsonLine({ stack: stack.name, healthy, findings })}\n` : reportOf(findings));
    process.exitCode = healthy ? 0 : 1;
  }
} catch (error) {
  process.stderr.write(`error: ${printableText(wordsOf(error))}\n`);
  process.exitCode = 2;
}
