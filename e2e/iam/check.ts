/** `npm run check:iam`: shows that the program's policies allow what its calls need, and nothing else. Deploys nothing. */
import { createCommand, runProcess } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { jsonLine } from "../../lib/printable.ts";
import { translations, withinBoundaries } from "./calls.ts";
import type { Translated } from "./calls.ts";
import list from "./accepted-mutants.json" with { type: "json" };
import { parseAcceptedMutants } from "./accepted-mutants.ts";
import { evaluate } from "./evaluate.ts";
import type { Verdict } from "./evaluate.ts";
import { knownServiceCalls } from "./service-calls.ts";
import { checkFresh, readRecording } from "./recording.ts";
import type { Recording } from "./recording.ts";
import { currentAccountPolicies } from "./account-policies.ts";

function checkCommand(context: CommandContext) {
  return createCommand("npm run check:iam --", "check that policies allow what calls need, and nothing else")
    .description(
      "Decides about the recorded calls, and those that AWS's services are known to make, with the program's present policies. Each part of a policy must be needed by a call, and each limit must deny a forbidden one.",
    )
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText(
      "after",
      `
Example:
  npm run -s check:iam -- --json

Exit status: 0 nothing to do; 1 a part without a use, or a forbidden call that is allowed; 2 the recording is not of these policies.`,
    )
    .action(async ({ json }) => {
      const [recording, account] = [await readRecording(), await currentAccountPolicies()];
      checkFresh(recording, account);
      const recorded = translations(recording.calls, account);
      const known = [...recorded.map(({ call }) => call), ...knownServiceCalls(account)];
      const calls = [...known, ...withinBoundaries(known)];
      const verdict = await evaluate(account, calls, parseAcceptedMutants(list));
      const unreproduced = differing(recording, recorded, verdict.allowed);
      const problems = problemsOf(verdict, unreproduced);
      const {
        unexplained,
        staleEntries,
        forbiddenAllowed,
        separationAttempts,
        separationAllowed,
        allowed,
        ...numbers
      } = verdict;
      const counts = {
        ...numbers,
        calls: allowed.filter(Boolean).length,
        unexplained: unexplained.length + staleEntries.length + forbiddenAllowed.length + unreproduced.length,
        separation_attempts: separationAttempts,
        separation_allowed: separationAllowed.length,
      };
      for (const problem of problems) context.stderr.write(`${problem}\n`);
      context.stdout.write(json ? `${jsonLine(counts)}\n` : `${textOf(counts)}\n`);
      if (problems.length > 0) context.exitWith(1);
    });
}

/** Returns the recorded calls that are decided differently now, on each stack that has them. */
function differing({ calls }: Recording, recorded: readonly Translated[], allowed: readonly boolean[]): string[] {
  const somewhere = new Set(
    recorded.flatMap(({ recorded: index }, position) => (allowed[position] === true ? [index] : [])),
  );
  return calls.flatMap((call, index) =>
    call.allowed && !somewhere.has(index)
      ? [
          `${JSON.stringify(call.caller)} was allowed ${call.action} on ${call.resource}, and is denied now. Record again: npm run iam:record`,
        ]
      : [],
  );
}

function problemsOf(verdict: Verdict, unreproduced: readonly string[]): string[] {
  return [
    ...unreproduced,
    ...verdict.unexplained.map(({ policy, sid, removed, mutant }) =>
      mutant.narrows
        ? `${policy}, ${sid}: no call needs the ${removed}. Remove it from the policy, or record a call that needs it (npm run iam:record).`
        : `${policy}, ${sid}: without the ${removed}, no forbidden call is allowed. Remove it from the policy, or add a call that it forbids (e2e/iam/forbidden-calls.ts).`,
    ),
    ...verdict.staleEntries.map(
      (entry) =>
        `e2e/iam/accepted-mutants.json: nothing needs this entry any more; remove it: ${JSON.stringify(entry)}`,
    ),
    ...[...verdict.forbiddenAllowed, ...verdict.separationAllowed].map(
      ({ caller, action, resource, context }) =>
        `${JSON.stringify(caller)} may call ${action} on ${resource} with ${JSON.stringify(context)}, which is forbidden. Add a condition or a resource to the statement that allows it.`,
    ),
  ];
}

function textOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name.padEnd(20)}${String(count).padStart(7)}`)
    .join("\n");
}

await runProcess(checkCommand);
process.exit();
