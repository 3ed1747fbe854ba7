/** Deploys the Pulumi program's stack `local` to the local AWS with the real engine: preview with the policy pack first, then up; and destroy. */
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  LocalWorkspace,
  PulumiCommand,
  type EngineEvent,
  type OutputMap,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { pulumiRoot, repoRoot } from "../tools/paths.mjs";
import type { Ready } from "./local-aws.ts";
import type { StatePaths } from "./state.ts";
import type { Step } from "./progress.ts";

/** The policy pack refused the stack; nothing was created. The message carries every violation with its remedy. */
export class PolicyRefusal extends Error {
  override readonly name = "PolicyRefusal";
}

/** The engine, the program or AWS refused; the message carries their words. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

const destroyAttempts = 10;
/** Real ms: an instance takes up to half a minute to start or to stop. */
const destroyPause = 5_000;

/** The local stack's passphrase; there is nothing secret in it (ARCHITECTURE.md). */
const passphrase = "local";

/** Folders of this Node, which runs the program, and of the Pulumi CLI, to be first on the PATH. */
export const pulumiPath = [dirname(process.execPath), join(pulumiRoot, "bin")];

/** What the Pulumi CLI needs, beside the PATH and what an AWS SDK needs, to work on the local stack, as environment variables. */
export function pulumiEnvironment(ready: Ready, paths: StatePaths): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${paths.backend}`,
    PULUMI_HOME: paths.pulumiHome,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_DEBUG_PROVIDERS: `aws:${ready.providerPort}`,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** What any AWS SDK or CLI needs to talk to the local AWS: the dummy credentials are its own. */
export function awsEnvironment(ready: Ready): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: ready.url,
    AWS_REGION: ready.region,
    AWS_DEFAULT_REGION: ready.region,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  };
}

/** A deployment of the stack `local` under way. */
export class Deployment {
  private readonly stack: Stack;
  private readonly outputsFile: string;
  private readonly configFile: string | undefined;

  private constructor(stack: Stack, outputsFile: string, configFile: string | undefined) {
    this.stack = stack;
    this.outputsFile = outputsFile;
    this.configFile = configFile;
  }

  /** Opens, or makes, the stack in the local backend. `configFile` takes the place of Pulumi.local.yaml. */
  static async open(ready: Ready, paths: StatePaths, configFile?: string): Promise<Deployment> {
    await mkdir(paths.backend, { recursive: true });
    await mkdir(paths.pulumiHome, { recursive: true });
    const stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "local", workDir: repoRoot },
      {
        envVars: {
          ...awsEnvironment(ready),
          ...pulumiEnvironment(ready, paths),
          PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter),
        },
        pulumiHome: paths.pulumiHome,
        pulumiCommand: await PulumiCommand.get({ root: pulumiRoot }),
      },
    );
    return new Deployment(stack, paths.outputs, configFile);
  }

  private options(step: Step, signal: AbortSignal, watch: (event: EngineEvent) => void) {
    return {
      signal,
      onEvent: (event: EngineEvent) => {
        watch(event);
        const urn = event.resourcePreEvent?.metadata.urn;
        if (urn !== undefined) {
          step.detail(`${event.resourcePreEvent?.metadata.op ?? ""} ${urn.split("::").slice(-2).join(" ")}`);
        }
      },
      ...(this.configFile === undefined ? {} : { configFile: this.configFile }),
    };
  }

  /** Previews with the policy pack. Returns how many policies judged the stack; throws {@link PolicyRefusal} or {@link DeploymentError}. */
  async preview(step: Step, signal: AbortSignal): Promise<{ policies: number }> {
    const violations: string[] = [];
    const policies = new Set<string>();
    const diagnostics: string[] = [];
    try {
      await this.stack.preview({
        ...this.options(step, signal, (event) => {
          noteErrors(event, diagnostics);
          if (event.policyEvent?.enforcementLevel === "mandatory") {
            const { policyName, resourceUrn, message } = event.policyEvent;
            violations.push(
              `${policyName}${resourceUrn === undefined ? "" : ` (${resourceUrn.split("::").slice(-2).join(" ")})`}: ${plain(message)}`,
            );
          }
          for (const name of judged(event)) {
            policies.add(name);
          }
        }),
        policyPacks: [join(repoRoot, "policies")],
      });
    } catch (error) {
      signal.throwIfAborted();
      if (violations.length > 0) {
        throw new PolicyRefusal(
          `The policy pack refuses this stack; nothing was created.\n${[...new Set(violations)].map((line) => `  ${line}`).join("\n")}`,
        );
      }
      throw failure("preview", diagnostics, error);
    }
    return { policies: policies.size };
  }

  /** Creates or updates what the preview showed. Returns the number of resources in the stack and writes its outputs for `client/`. */
  async up(step: Step, signal: AbortSignal): Promise<{ resources: number; outputs: Record<string, unknown> }> {
    const diagnostics: string[] = [];
    let resources = 0;
    let outputs: OutputMap;
    try {
      const result = await this.stack.up(
        this.options(step, signal, (event) => {
          noteErrors(event, diagnostics);
          const changes = event.summaryEvent?.resourceChanges;
          if (changes !== undefined) {
            resources = Object.entries(changes).reduce(
              (sum, [kind, count]) => (kind === "delete" ? sum : sum + count),
              0,
            );
          }
        }),
      );
      outputs = result.outputs;
    } catch (error) {
      signal.throwIfAborted();
      throw failure("up", diagnostics, error);
    }
    const values = Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output.value as unknown]));
    await writeFile(this.outputsFile, `${JSON.stringify(values, undefined, 2)}\n`);
    return { resources, outputs: values };
  }

  /**
   * Deletes everything of the stack, in the order of its dependencies. SageMaker refuses to delete an endpoint that is being
   * scaled; by then the engine has deregistered the scalable target, so the scaling ends and the next try succeeds.
   */
  async destroy(step: Step, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const diagnostics: string[] = [];
      try {
        await this.stack.destroy(
          this.options(step, signal, (event) => {
            noteErrors(event, diagnostics);
          }),
        );
        return;
      } catch (error) {
        signal.throwIfAborted();
        const problem = failure("destroy", diagnostics, error);
        if (attempt === destroyAttempts || !problem.message.includes("Cannot update in-progress endpoint"))
          throw problem;
        step.detail("the endpoint is being scaled; waiting for it");
        await sleep(destroyPause, undefined, { signal });
      }
    }
  }
}

function judged(event: EngineEvent): string[] {
  // The engine sends, and the SDK's type lacks, one event a resource and pack that lists the policies that passed and failed.
  const summary = (event as { policyAnalyzeSummaryEvent?: { passed?: string[] | null; failed?: string[] | null } })
    .policyAnalyzeSummaryEvent;
  return [...(summary?.passed ?? []), ...(summary?.failed ?? [])];
}

function noteErrors(event: EngineEvent, diagnostics: string[]): void {
  if (event.diagnosticEvent?.severity === "error") {
    diagnostics.push(plain(event.diagnosticEvent.message));
  }
}

/** Without the engine's colour mark-up (`<{%reset%}>`) and terminal codes. */
function plain(text: string): string {
  // eslint's no-control-regex forbids the escape character in a literal.
  const escape = String.fromCharCode(27);
  return text
    .replaceAll(/<\{%[^%]*%\}>/g, "")
    .replaceAll(new RegExp(`${escape}\\[[0-9;]*m`, "g"), "")
    .trim();
}

function failure(verb: string, diagnostics: readonly string[], error: unknown): DeploymentError {
  const said = plain(error instanceof Error ? error.message : String(error));
  // The Automation API's own message repeats the whole command line and output; the CLI's error comes last.
  const words =
    diagnostics.length > 0 ? [...new Set(diagnostics)].join("\n") : (said.split(/^error: /m).at(-1) ?? said);
  const hint = words.includes('no space left on device') ? "\nThe disk is full: make room and run the command again." : "";
  return new DeploymentError(`pulumi ${verb} failed:\n${words.trim()}${hint}`, { cause: error });
}
