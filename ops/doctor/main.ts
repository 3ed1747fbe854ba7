/** `npm run doctor`: whether a stack can be deployed from here, and what to do first; changes nothing. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { jsonLine, printableText } from "../../lib/printable.ts";
import { useProxies } from "../../lib/proxies.ts";
import { remedyFor } from "../../lib/remedies.ts";
import { reasonOf } from "./finding.ts";
import { reportOf } from "./report.ts";
import { readStackFile, SetupError } from "./stack-file.ts";

const help = `Usage: npm run doctor -- --stack NAME [--json]

Looks at all that a stack's first deployment needs, and says what is missing and what to do: the
config, credentials, account and region, the quota of the instance type (with the other stacks
that share it), the serving image, the model's artifact, Pulumi's state and the key of its secrets,
what an earlier deployment left of the endpoint, the source buckets; with GITHUB_TOKEN or GH_TOKEN
also GitHub's environments and the protection of main, which the workflows need; and what the stack
costs. It only reads: nothing is created or changed.

  --stack NAME  the stack, of which there is a Pulumi.NAME.yaml
  --json        print one JSON object on standard output

Exit status: 0 nothing stands in the way, 1 there are problems, 2 wrong usage or no such stack.
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
    throw new SetupError(
      `${(error as Error).message.split(/\.(?: |$)|\n/)[0] ?? ""}. Add --help to see what there is.`,
    );
  }
  if (values.help === true) return undefined;
  if (values.stack === undefined) throw new SetupError("--stack NAME is missing. Add --help to see what there is.");
  return { stack: values.stack, json: values.json ?? false };
}

/** What to print for an error: the stack trace only for a fault of this program. */
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
    // The AWS SDKs take a second to load: not before the command line and the stack are right.
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
