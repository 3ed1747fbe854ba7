/** `npm run local:up|down|status|env`: the local stack kept up between commands. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { connect, plural, readCapacity, readOutputs } from "../../client/src/index.ts";
import { jsonLine, printable } from "../../lib/printable.ts";
import { withoutLoopback } from "../../lib/proxies.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment, pulumiEnvironment, pulumiPath } from "../deployment/deployment.ts";
import { runCommand } from "../exit.ts";
import { configFileVariable, foreignSettings } from "./foreign-settings.ts";
import { interruptSignal } from "../interrupt.ts";
import { readReady, stopEmulator, type Ready } from "./emulator.ts";
import { bringUp, defaultSpeed, localState } from "./local-stack.ts";
import { parseOptions, UsageError } from "../options.ts";
import { defaultPort } from "./port.ts";
import { Progress } from "../progress.ts";
import { inUse, liveOwner, release } from "./state.ts";

/** Of the shell that runs the command: removed from this process before it works with the emulator. */
const foreign = foreignSettings(process.env);

const help = `Usage: npm run local:up -- [--port P] [--speed N] [--json]
       npm run local:status -- [--json]
       npm run -s local:env
       npm run local:down

Keeps the stack "local" up between commands.

  up      starts AWS on this machine and deploys the stack to it
  status  says whether it is up, where, and how many instances the endpoint has
  env     prints, for eval "$(npm run -s local:env)", what the AWS SDKs, the AWS CLI and the
          Pulumi CLI need to work with it
  down    destroys the stack and stops AWS on this machine; the instances' logs stay in
          .local/last-logs/ until the next run ends

  --port P   the emulator's port (default: ${defaultPort})
  --speed N  how many times faster than real time the clock runs while nothing starts and
             nothing works, 1 to 3600 (default: ${defaultSpeed})
  --json     print one JSON object on standard output

Exit status: 0 all went well (down: also if no stack is up), 1 the stack failed, 2 bad input or,
for status and env, no stack, 130 Ctrl-C.
`;

async function up(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, ["port", "speed", "json"]);
  if (options.help) {
    showHelp();
    return;
  }
  const progress = new Progress();
  const signal = interruptSignal();
  const stack = await bringUp({ port: options.port, speed: options.speed, keep: true, progress, signal });
  await stack.aws.release();
  process.stdout.write(
    options.json
      ? `${jsonLine({ url: stack.aws.url, outputs: stack.outputs })}\n`
      : `The stack is up at ${stack.aws.url}.\n  use it:        eval "$(npm run -s local:env)"\n  send a video:  npm run submit -- FILE --wait\n  take it down:  npm run local:down\n`,
  );
}

async function down(args: readonly string[]): Promise<void> {
  if (parseOptions(args, []).help) {
    showHelp();
    return;
  }
  const progress = new Progress();
  const ready = await whatIsUp();
  if (ready === undefined) {
    const owner = await liveOwner(localState);
    if (owner !== undefined) throw inUse(owner, false);
    await release(localState);
    progress.say("No local stack is up.");
    return;
  }
  const signal = interruptSignal();
  const deployment = await Deployment.open(ready, localState);
  try {
    await progress.step("Destroying the stack", (step) => deployment.destroy(step, signal));
  } finally {
    await progress.step("Stopping AWS on this machine", async () => {
      await stopEmulator(ready.pid);
      await release(localState);
    });
    if (existsSync(localState.lastLogs)) {
      progress.say(
        `The logs of the last run are in ${relative(repoRoot, localState.lastLogs)}/, until the next run ends.`,
      );
    }
  }
}

async function status(args: readonly string[]): Promise<void> {
  const options = parseOptions(args, ["json"]);
  if (options.help) {
    showHelp();
    return;
  }
  const ready = await whatIsUp();
  if (ready === undefined) {
    const owner = await liveOwner(localState);
    const words =
      owner === undefined ? "No local stack is up. Start one with: npm run local:up" : inUse(owner, false).message;
    process.stdout.write(options.json ? '{"up":false}\n' : `${words}\n`);
    process.exitCode = 2;
    return;
  }
  using stack = connect(await readOutputs({ stack: "local" }), ready.credentials);
  const capacity = await readCapacity(stack);
  process.stdout.write(
    options.json
      ? `${jsonLine({ up: true, url: ready.url, endpoint: stack.outputs.endpointName, ...capacity })}\n`
      : `${printable(`Up at ${ready.url}; endpoint ${stack.outputs.endpointName} is ${capacity.status} with ${plural(capacity.current, "instance")} in service, ${capacity.desired} wanted.`)}\n`,
  );
}

async function env(args: readonly string[]): Promise<void> {
  if (parseOptions(args, []).help) {
    showHelp();
    return;
  }
  const ready = await whatIsUp();
  if (ready === undefined) {
    // For eval, which otherwise would succeed.
    process.stdout.write("false\n");
    throw new UsageError("No local stack is up. Start one with: npm run local:up");
  }
  const variables = {
    ...awsEnvironment(ready),
    ...pulumiEnvironment(ready, localState),
    ...withoutLoopback(process.env),
    ...(existsSync(localState.settings) ? { [configFileVariable]: localState.settings } : {}),
  };
  const lines = [
    ...foreign.map((name) => `unset ${name}`),
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
  ];
  lines.push(`export PATH=${pulumiPath.map(quoted).join(":")}:"$PATH"`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Reads what the running emulator printed when it was ready; undefined if none is running. */
async function whatIsUp(): Promise<Ready | undefined> {
  const [ready, owner] = await Promise.all([readReady(localState), liveOwner(localState)]);
  return ready !== undefined && owner?.pid === ready.pid ? ready : undefined;
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

function showHelp(): void {
  process.stdout.write(help);
}

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = { up, down, status, env };

await runCommand(async () => {
  const [name = "", ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new UsageError(`There is no command "${name}".\n\n${help}`);
  }
  await command(args);
});
