/** Works on a stack of the Pulumi program with the real engine: preview with the policy pack first, then up; refresh and destroy. */
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  LocalWorkspace,
  PulumiCommand,
  type EngineEvent,
  type OpMap,
  type OutputMap,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { QuotedError, UserError } from "../../lib/errors.ts";
import { makeFolder, writeWhole } from "../../lib/files.ts";
import { fullDiskLine } from "../../lib/remedies.ts";
import { pulumiRoot, repoRoot } from "../../tools/paths.mjs";
import { resource, noteErrors, plain, plannedIn, shortName, type Planned } from "./engine-events.ts";
import type { Ready } from "../local/emulator.ts";
import { Deleted } from "./remains.ts";
import type { StatePaths } from "../local/state.ts";
import type { Step } from "../../lib/progress.ts";

/** The policy pack refused the stack; nothing was created. The message carries every violation with its remedy. */
export class PolicyRefusal extends UserError {
  override readonly name = "PolicyRefusal";
}

/** The engine, the program or AWS refused; the message carries their words. */
export class DeploymentError extends QuotedError {
  override readonly name = "DeploymentError";
}

const destroyAttempts = 10;
/** Real ms: an instance takes up to half a minute to start or to stop. */
const destroyPause = 5_000;

/** The passphrase of stacks whose state is on this machine; there is nothing secret in them (docs/decisions/0006-never-the-wrong-account.md). */
const passphrase = "local";

/** Folders of this Node, which runs the program, and of the Pulumi CLI, to be first on the PATH. */
export const pulumiPath = [dirname(process.execPath), join(pulumiRoot, "bin")];

/** What the Pulumi CLI needs, beside the PATH and what an AWS SDK needs, to work on a stack whose state is on this machine. */
export function pulumiEnvironment(
  { providerPort }: Pick<Ready, "providerPort">,
  paths: Pick<StatePaths, "backend" | "pulumiHome">,
): Record<string, string> {
  return { ...backendEnvironment(paths), PULUMI_DEBUG_PROVIDERS: `aws:${providerPort}` };
}

/** The part of it that opening a stack needs. */
function backendEnvironment(paths: Pick<StatePaths, "backend" | "pulumiHome">): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${paths.backend}`,
    PULUMI_HOME: paths.pulumiHome,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** The environment with which any AWS SDK or CLI talks to the emulator. */
export function awsEnvironment(ready: Pick<Ready, "url" | "region" | "credentials">): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: ready.url,
    AWS_REGION: ready.region,
    AWS_DEFAULT_REGION: ready.region,
    AWS_ACCESS_KEY_ID: ready.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ready.credentials.secretAccessKey,
  };
}

/** Which stack, and where its program, its state and its AWS are. */
export interface StackOptions {
  readonly stackName: string;
  /** The folder with Pulumi.yaml. */
  readonly projectFolder: string;
  /** Takes the place of Pulumi.<stack>.yaml. */
  readonly configFile?: string | undefined;
  /** Takes the place of policies/config.<stack>.json; a stack that has none gets the policies' defaults. */
  readonly policyConfigFile?: string | undefined;
  readonly paths: Pick<StatePaths, "backend" | "pulumiHome">;
  /** Where the provider named aws listens. */
  readonly providerPort: number;
  /** What the program finds in its environment, beside this process's. */
  readonly environment: Record<string, string>;
}

/** What a preview showed. */
export interface Plan {
  /** How many policies resource the stack. */
  readonly policies: number;
  /** What policies advise against, and do not refuse. */
  readonly advisories: readonly string[];
  /** How many rules could not be resource yet, because the preview does not know a value. */
  readonly notEvaluated: number;
  /** How many resources there are of each operation. */
  readonly changes: OpMap;
  /** All that does not stay as it is. */
  readonly planned: readonly Planned[];
}

/** Work on one stack. */
export class Deployment {
  private readonly stack: Stack;
  private readonly configFile: string | undefined;
  /** Written after each update, if it is given. */
  private readonly outputsFile: string | undefined;
  /** The policy pack, and what the stack asks of it. */
  private readonly policyPack: { readonly policyPacks: string[]; readonly policyPackConfigs?: string[] };

  private constructor(
    stack: Stack,
    { configFile, policyConfigFile }: Pick<StackOptions, "configFile" | "policyConfigFile">,
    outputsFile: string | undefined,
  ) {
    this.stack = stack;
    this.configFile = configFile;
    const pack = join(repoRoot, "policies");
    const ofStack = policyConfigFile ?? join(pack, `config.${stack.name}.json`);
    this.policyPack = {
      policyPacks: [pack],
      ...(policyConfigFile !== undefined || existsSync(ofStack) ? { policyPackConfigs: [ofStack] } : {}),
    };
    this.outputsFile = outputsFile;
  }

  /**
   * Opens, or makes, the stack `local` in the local backend. `configFile` takes the place of Pulumi.local.yaml,
   * `policyConfigFile` that of policies/config.local.json. The emulator may still be starting.
   */
  static async open(
    aws: Ready | Promise<Ready>,
    paths: StatePaths,
    configFile?: string,
    policyConfigFile?: string,
  ): Promise<Deployment> {
    const place = { stackName: "local", projectFolder: repoRoot, configFile, policyConfigFile, paths };
    const stack = await openStack(place);
    const ready = await aws;
    Object.assign(stack.workspace.envVars, awsEnvironment(ready), pulumiEnvironment(ready, paths));
    return new Deployment(stack, place, paths.outputs);
  }

  /** Opens, or makes, a stack. Making one adds a salt to its Pulumi.<stack>.yaml where that has none. */
  static async openAt(place: StackOptions, outputsFile?: string): Promise<Deployment> {
    const { paths, providerPort, environment } = place;
    const stack = await openStack(place);
    Object.assign(stack.workspace.envVars, environment, pulumiEnvironment({ providerPort }, paths));
    return new Deployment(stack, place, outputsFile);
  }

  private options(step: Step, signal: AbortSignal, watch: (event: EngineEvent) => void) {
    // The automation API listens to the signal only once the CLI runs, and calls this right before.
    this.stack.workspace.serializeArgsForOp = () =>
      signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve([]);
    return {
      signal,
      onEvent: (event: EngineEvent) => {
        watch(event);
        const urn = event.resourcePreEvent?.metadata.urn;
        if (urn !== undefined) {
          step.detail(`${event.resourcePreEvent?.metadata.op ?? ""} ${shortName(urn)}`);
        }
      },
      ...(this.configFile === undefined ? {} : { configFile: this.configFile }),
    };
  }

  /**
   * Previews with the policy pack, and writes the engine's plan into `planFile`, if it is given, for {@link up}.
   * Throws {@link PolicyRefusal} or {@link DeploymentError}.
   */
  async preview(step: Step, signal: AbortSignal, planFile?: string): Promise<Plan> {
    const violations: string[] = [];
    const advisories: string[] = [];
    let notEvaluated = 0;
    const policies = new Set<string>();
    const planned: Planned[] = [];
    let changes: OpMap = {};
    const diagnostics: string[] = [];
    try {
      await this.stack.preview({
        ...this.options(step, signal, (event) => {
          noteErrors(event, diagnostics);
          if (event.policyEvent !== undefined) {
            const { policyName, resourceUrn, enforcementLevel } = event.policyEvent;
            const message = plain(event.policyEvent.message);
            const where = resourceUrn === undefined ? "" : ` (${shortName(resourceUrn)})`;
            // The pack's word for what it cannot judge yet (policies/README.md).
            if (message.startsWith("Cannot be evaluated in preview:")) notEvaluated += 1;
            else (enforcementLevel === "mandatory" ? violations : advisories).push(`${policyName}${where}: ${message}`);
          }
          for (const name of resource(event)) {
            policies.add(name);
          }
          planned.push(...plannedIn(event));
          changes = event.summaryEvent?.resourceChanges ?? changes;
        }),
        ...this.policyPack,
        ...(planFile === undefined ? {} : { plan: planFile }),
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
    return { policies: policies.size, advisories: [...new Set(advisories)], notEvaluated, changes, planned };
  }

  /**
   * Creates or updates what the preview showed; with its `planFile`, that and nothing else. Returns the number of resources
   * in the stack, and writes its outputs for `client/`.
   */
  async up(
    step: Step,
    signal: AbortSignal,
    planFile?: string,
  ): Promise<{ resources: number; changes: OpMap; outputs: Record<string, unknown> }> {
    const diagnostics: string[] = [];
    const deleted = new Deleted();
    let changes: OpMap = {};
    let outputs: OutputMap;
    try {
      const result = await this.stack.up({
        ...this.options(step, signal, (event) => {
          noteErrors(event, diagnostics);
          deleted.note(event);
          changes = event.summaryEvent?.resourceChanges ?? changes;
        }),
        // Again: what the preview did not know, the update does.
        ...this.policyPack,
        ...(planFile === undefined ? {} : { plan: planFile }),
      });
      outputs = result.outputs;
    } catch (error) {
      signal.throwIfAborted();
      throw failure("up", diagnostics, error);
    }
    await deleted.remove(this.stack.workspace.envVars, signal);
    const values = Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output.value as unknown]));
    if (this.outputsFile !== undefined) {
      await writeWhole(this.outputsFile, `${JSON.stringify(values, undefined, 2)}\n`);
    }
    const resources = Object.entries(changes).reduce(
      (sum, [kind, count]) => (kind === "delete" ? sum : sum + count),
      0,
    );
    return { resources, changes, outputs: values };
  }

  /** Reads every resource from AWS into the state. Returns how many were found changed, and how. */
  async refresh(step: Step, signal: AbortSignal): Promise<OpMap> {
    const diagnostics: string[] = [];
    let changes: OpMap = {};
    try {
      await this.stack.refresh(
        this.options(step, signal, (event) => {
          noteErrors(event, diagnostics);
          changes = event.summaryEvent?.resourceChanges ?? changes;
        }),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw failure("refresh", diagnostics, error);
    }
    return changes;
  }

  /** What AWS has, compared with what the program says: all that an update would put right. Neither state nor AWS is changed. */
  async drift(step: Step, signal: AbortSignal): Promise<readonly Planned[]> {
    const diagnostics: string[] = [];
    const planned: Planned[] = [];
    try {
      await this.stack.preview({
        ...this.options(step, signal, (event) => {
          noteErrors(event, diagnostics);
          planned.push(...plannedIn(event));
        }),
        refresh: true,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw failure("preview --refresh", diagnostics, error);
    }
    return planned;
  }

  /**
   * Deletes everything of the stack, in the order of its dependencies. SageMaker refuses to delete an endpoint that is being
   * scaled; by then the engine has deregistered the scalable target, so the scaling ends and the next try succeeds. Then waits until
   * nothing of the endpoint is left.
   */
  async destroy(step: Step, signal: AbortSignal): Promise<void> {
    const deleted = new Deleted();
    for (let attempt = 1; ; attempt++) {
      const diagnostics: string[] = [];
      try {
        await this.stack.destroy(
          this.options(step, signal, (event) => {
            noteErrors(event, diagnostics);
            deleted.note(event);
          }),
        );
        break;
      } catch (error) {
        signal.throwIfAborted();
        const problem = failure("destroy", diagnostics, error);
        if (attempt === destroyAttempts || !problem.message.includes("Cannot update in-progress endpoint"))
          throw problem;
        step.detail("the endpoint is being scaled; waiting for it");
        await sleep(destroyPause, undefined, { signal });
      }
    }
    step.detail("waiting until the endpoint is gone");
    await deleted.remove(this.stack.workspace.envVars, signal);
  }
}

/** Opens, or makes, a stack for the engine, which knows of no AWS yet. */
async function openStack({
  stackName,
  projectFolder,
  paths,
}: Pick<StackOptions, "stackName" | "projectFolder" | "paths">): Promise<Stack> {
  makeFolder(paths.backend);
  makeFolder(paths.pulumiHome);
  return await LocalWorkspace.createOrSelectStack(
    { stackName, workDir: projectFolder },
    {
      envVars: { ...backendEnvironment(paths), PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter) },
      pulumiHome: paths.pulumiHome,
      pulumiCommand: await PulumiCommand.get({ root: pulumiRoot }),
    },
  );
}

function failure(verb: string, diagnostics: readonly string[], error: unknown): DeploymentError {
  const said = plain(error instanceof Error ? error.message : String(error));
  // The Automation API's own message repeats the whole command line and output; the CLI's error comes last.
  const words =
    diagnostics.length > 0 ? [...new Set(diagnostics)].join("\n") : (said.split(/^error: /m).at(-1) ?? said);
  // The engine reports a full disk within lines such as "2 errors occurred", and for each resource under way.
  const full = fullDiskLine(words)?.replace(/^(\*|\d+\)) /, "");
  const reason = full === undefined ? `\n${words.trim()}` : ` ${full}`;
  return new DeploymentError(`pulumi ${verb} failed:${reason}`, { cause: error });
}
