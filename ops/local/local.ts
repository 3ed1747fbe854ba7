/** `npm run local:up|down|status|wait|env`: keeps the local stack running between commands. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { connect, plural, readCapacity, readOutputs } from "../../client/src/index.ts";
import { createCommand, oneOf, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext, TextSink } from "../../lib/command-line.ts";
import { jsonLine, printable } from "../../lib/printable.ts";
import { withoutLoopback } from "../../lib/proxies.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment, pulumiEnvironment, pulumiPath } from "../deployment/deployment.ts";
import { configFileVariable, removeForeignSettings } from "./foreign-settings.ts";
import { stopEmulator } from "./emulator.ts";
import type { Ready } from "./emulator.ts";
import { bringUp, defaultSpeed, localState, speedHelp, takeDown } from "./local-stack.ts";
import { findOfficialProvider, providerHelp, providerKinds } from "./official-provider.ts";
import { defaultPort } from "./port.ts";
import { Progress } from "../../lib/progress.ts";
import { inUse, release, stackOwner } from "./local-folder.ts";
import { assumeRole, roleHelp } from "./roles.ts";
import type { RoleSession } from "./roles.ts";
import { noStack, readRunning, requireRunning } from "./running-stack.ts";
import { waitCommand } from "./wait.ts";

/** Defines `local` with its commands `up`, `down`, `status`, `wait` and `env`. */
export function localCommand(context: CommandContext) {
  return createCommand("local", "keep a local stack running between commands")
    .description(`Keeps the stack "local" and the AWS emulator running between commands.`)
    .addCommand(upCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(waitCommand(context))
    .addCommand(envCommand(context))
    .addCommand(downCommand(context))
    .addHelpText(
      "after",
      `
Example:
  npm run local:up
  npm run submit -- clip.mp4 --wait
  npm run local:down`,
    );
}

function upCommand({ stdout, stderr, environment, signal }: CommandContext) {
  return createCommand("up", "start the emulator and deploy the stack")
    .option("--port <number>", "port of the emulator", wholeNumber("a whole number", 1, 65_535), defaultPort)
    .option("--speed <factor>", speedHelp, wholeNumber("a whole number", 1, 3600), defaultSpeed)
    .option("--provider <name>", providerHelp, oneOf(providerKinds), "emulated")
    .option("--json", "print one JSON object to standard output: the URL and the stack's outputs", false)
    .addHelpText(
      "after",
      `
Example:
  npm run local:up -- --port 4567

Exit status: 0 success; 1 the stack failed; 2 invalid input; 130 interrupted by Ctrl-C.`,
    )
    .action(async ({ port, speed, provider, json }) => {
      removeForeignSettings(environment);
      const progress = new Progress(stderr);
      const officialProvider =
        provider === "official" ? () => findOfficialProvider({ environment, progress, signal }) : undefined;
      const stack = await bringUp({ port, speed, officialProvider, keep: true, progress, signal });
      await stack.aws.release();
      stdout.write(
        json
          ? `${jsonLine({ url: stack.aws.url, outputs: stack.outputs })}\n`
          : `The stack is up at ${stack.aws.url}.\n  use it:        eval "$(npm run -s local:env)"\n  send a video:  npm run submit -- FILE --wait\n  take it down:  npm run local:down\n`,
      );
    });
}

function downCommand({ stderr, environment, signal }: CommandContext) {
  return createCommand("down", "destroy the stack and stop the emulator")
    .description(
      "Destroys the stack and stops the emulator. The logs of the instances stay in .local/last-logs/ until the end of the next run.",
    )
    .addHelpText(
      "after",
      `
Example:
  npm run local:down

Exit status: 0 success, also if no stack is up; 1 the stack failed; 2 the stack is in use.`,
    )
    .action(async () => {
      removeForeignSettings(environment);
      const progress = new Progress(stderr);
      const ready = await readRunning();
      if (ready === undefined) {
        const owner = stackOwner(localState);
        if (owner !== undefined) throw inUse(owner, false);
        await release(localState);
        progress.say("No local stack is up.");
        return;
      }
      const deployment = await Deployment.open(ready, localState);
      const stop = async () => {
        await stopEmulator(ready.pid);
        await release(localState);
      };
      try {
        await takeDown({ aws: ready, deployment, progress, signal, stop });
      } finally {
        if (existsSync(localState.lastLogs)) {
          progress.say(
            `The logs of the last run are in ${relative(repoRoot, localState.lastLogs)}/, until the next run ends.`,
          );
        }
      }
    });
}

function statusCommand({ stdout, environment, signal, exitWith }: CommandContext) {
  return createCommand("status", "print the address of the stack and its number of instances")
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText(
      "after",
      `
Example:
  npm run local:status -- --json

Exit status: 0 the stack is up; 1 it cannot be read; 2 no stack is up, or invalid input.`,
    )
    .action(async ({ json }) => {
      removeForeignSettings(environment);
      const ready = await readRunning();
      if (ready === undefined) {
        const owner = stackOwner(localState);
        const text = owner === undefined ? noStack : inUse(owner, false).message;
        stdout.write(json ? '{"up":false}\n' : `${text}\n`);
        exitWith(2);
        return;
      }
      using stack = connect(await readOutputs({ stack: "local" }), ready.credentials);
      const capacity = await readCapacity(stack, signal);
      stdout.write(
        json
          ? `${jsonLine({ up: true, url: ready.url, endpoint: stack.outputs.endpointName, ...capacity })}\n`
          : `${printable(`Up at ${ready.url}; endpoint ${stack.outputs.endpointName} is ${capacity.status} with ${plural(capacity.current, "instance")} in service, ${capacity.desired} wanted.`)}\n`,
      );
    });
}

function envCommand({ stdout, stderr, environment }: CommandContext) {
  return createCommand("env", "print the settings that AWS SDKs, the AWS CLI and the Pulumi CLI need")
    .description(
      "Prints shell commands that set the variables with which AWS SDKs, the AWS CLI and the Pulumi CLI use the local stack. The credentials are the administrator's, or those of a role's session for one hour of real time.",
    )
    .option("--role <role>", roleHelp)
    .addHelpText(
      "after",
      `
Examples:
  eval "$(npm run -s local:env)"
  eval "$(npm run -s local:env -- --role caller)"

Exit status: 0 success; 2 no stack is up, or no such role.`,
    )
    .action(async ({ role }) => {
      const foreign = removeForeignSettings(environment);
      let ready: Ready;
      let credentials: Ready["credentials"];
      try {
        ready = await requireRunning();
        credentials = role === undefined ? ready.credentials : await sessionOfRole(ready, role, stderr);
      } catch (error) {
        // Otherwise eval would succeed.
        stdout.write("false\n");
        throw error;
      }
      const variables = {
        ...awsEnvironment({ ...ready, credentials }),
        ...pulumiEnvironment(ready, localState),
        ...withoutLoopback(environment),
        ...(existsSync(localState.settings) ? { [configFileVariable]: localState.settings } : {}),
      };
      const lines = [
        ...foreign.map((name) => `unset ${name}`),
        ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
        `export PATH=${pulumiPath.map(quoted).join(":")}:"$PATH"`,
      ];
      stdout.write(`${lines.join("\n")}\n`);
    });
}

/** Assumes a role, and prints when its session expires. */
async function sessionOfRole(ready: Ready, role: string, stderr: TextSink): Promise<RoleSession> {
  const session = await assumeRole(ready, role);
  stderr.write(`The credentials of ${role} expire at ${session.expiration.toISOString()} (real time).\n`);
  return session;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
