/** `npm run explain`: says whether a role may make a call on the emulator, and which statement decides. */
import { z } from "zod";
import { createCommand } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { jsonLine, printable } from "../../lib/printable.ts";
import { postPage } from "./local-page.ts";
import { findRole, roleHelp } from "./roles.ts";
import { requireRunning } from "./running-stack.ts";

const decisionSchema = z.object({
  allowed: z.boolean(),
  message: z.string(),
  policy: z.string().optional(),
  sid: z.string().optional(),
});

type Decision = z.infer<typeof decisionSchema>;

/** Defines `explain`. */
export function explainCommand({ stdout, exitWith, signal }: CommandContext) {
  return createCommand("explain", "say whether a role may make a call, and why")
    .description(
      "Asks the emulator whether a role's policies, its boundary and the resource's policy allow a call, and prints the policy and the Sid of the statement that decides. Conditions on tags and other values of a request count as not met.",
    )
    .requiredOption("--role <role>", roleHelp)
    .requiredOption("--action <action>", "such as s3:PutObject")
    .requiredOption("--resource <arn>", 'ARN of the resource, or "*"')
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText(
      "after",
      `
Example:
  npm run explain -- --role caller --action s3:PutObject --resource arn:aws:s3:::BUCKET/input/KEY

Exit status: 0 allowed; 1 denied; 2 no stack is up, no such role, or wrong usage.`,
    )
    .action(async ({ role, action, resource, json }) => {
      checkQuestion(action, resource);
      const ready = await requireRunning();
      const { Arn: roleArn = "" } = await findRole(ready, role);
      const question = { roleArn, action, resources: [resource] };
      const decision = decisionSchema.parse(await postPage(ready, "/_local/explain", question, signal));
      stdout.write(json ? `${jsonLine({ role: roleArn, action, resource, ...decision })}\n` : textOf(decision));
      exitWith(decision.allowed ? 0 : 1);
    });
}

/** @throws InvalidInputError for a text that is no action, or no ARN */
function checkQuestion(action: string, resource: string): void {
  if (!/^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$/.test(action)) {
    throw new InvalidInputError(`'${action}' is no action.`, { hint: "name service and action, as in s3:PutObject" });
  }
  if (resource !== "*" && !/^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d*:.+/.test(resource)) {
    throw new InvalidInputError(`'${resource}' is no ARN.`, {
      hint: 'give an ARN, such as arn:aws:s3:::BUCKET/KEY, or "*"',
    });
  }
}

function textOf({ allowed, message, policy, sid }: Decision): string {
  const lines = [
    allowed ? "allowed" : `denied: ${message}`,
    `policy: ${policy ?? "none"}`,
    `statement: ${sid ?? (policy === undefined ? "none" : "one without a Sid")}`,
  ];
  return `${lines.map((line) => printable(line)).join("\n")}\n`;
}
