/** Runs Pulumi's engine on a stack: previews with the policy pack, deploys, refreshes and destroys. */
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { EngineEvent, OpMap, Stack } from "@pulumi/pulumi/automation/index.js";
import { makeFolder, writeWhole } from "../../lib/files.ts";
import { fullDiskLine } from "../../lib/remedies.ts";
import { pulumiRoot, repoRoot } from "../../tools/paths.mjs";
import { plain, plannedIn, policiesIn, shortName } from "./engine-events.ts";
import type { Planned } from "./engine-events.ts";
import type { Ready } from "../local/emulator.ts";
import { DeploymentError, PolicyRefusal } from "./deployment-errors.ts";
import { Deleted } from "./remains.ts";
import type { StatePaths } from "../local/local-folder.ts";
import type { Step } from "../../lib/progress.ts";

const destroyAttempts = 10;
/** Milliseconds of real time. An instance takes up to half a minute to start or to stop. */
const destroyPause = 5_000;

/** Passphrase of stacks whose state is on this machine. They contain no secrets (docs/decisions/0006-never-the-wrong-account.md). */
const passphrase = "local";

/** Folders that come first on the PATH: this Node's, which runs the program, and the Pulumi CLI's. */
export const pulumiPath = [dirname(process.execPath), join(pulumiRoot, "bin")];

/** The emulator's provider, at a port, or the official one, with the emulator's address. */
type ProviderAccess = { provider: "emulated"; providerPort: number } | { provider: "official"; url: string };

/**
 * Returns the variables that the Pulumi CLI needs for a stack whose state is on this machine, besides the PATH and the AWS SDK's. The
 * official provider reads AWS_ENDPOINT_URL, too; the AWS SDK for Go addresses buckets of a host that is an IP address by path.
 */
export function pulumiEnvironment(
  access: Readonly<ProviderAccess>,
  paths: Pick<StatePaths, "backend" | "pulumiHome">,
): Record<string, string> {
  if (access.provider === "emulated") {
    return { ...backendEnvironment(paths), PULUMI_DEBUG_PROVIDERS: `aws:${access.providerPort}` };
  }
  // S3 Control's client puts the account before the host name (its endpoint rules), which an IP address does not allow.
  const control = { AWS_ENDPOINT_URL_S3_CONTROL: access.url.replace("127.0.0.1", "s3-control.localhost") };
  return { ...backendEnvironment(paths), ...control };
}

/** The properties that opening a stack needs. */
function backendEnvironment(paths: Pick<StatePaths, "backend" | "pulumiHome">): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${paths.backend}`,
    PULUMI_HOME: paths.pulumiHome,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** Address of the emulator, with the credentials of a principal. */
type AwsAccess = Pick<Ready, "url" | "region"> & {
  readonly credentials: Ready["credentials"] & { readonly sessionToken?: string };
};

/** Returns the variables that make AWS SDKs and CLIs use the emulator. */
export function awsEnvironment({
  url,
  region,
  credentials: { accessKeyId, secretAccessKey, sessionToken },
}: AwsAccess): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  };
}

/** A stack, and the places of its program, its state and its AWS endpoint. */
export interface StackOptions {
  readonly stackName: string;
  /** Folder with Pulumi.yaml. */
  readonly projectFolder: string;
  /** Settings file. @default Pulumi.<stack>.yaml */
  readonly configFile?: string | undefined;
  /** Settings of the policy pack. @default policies/config.<stack>.json, or the policies' defaults if it is missing */
  readonly policyConfigFile?: string | undefined;
  readonly paths: Pick<StatePaths, "backend" | "pulumiHome">;
  /** Port of the provider named aws. */
  readonly providerPort: number;
  /** Environment variables of the program, in addition to this process's. */
  readonly environment: Record<string, string>;
}

/** Result of a preview. */
export interface Plan {
  /** Number of policies that evaluated the stack. */
  readonly policies: number;
  /** Messages of advisory policies. */
  readonly advisories: readonly string[];
  /** Number of rules that could not be evaluated, because the preview does not know a value. */
  readonly notEvaluated: number;
  /** Number of resources by operation. */
  readonly changes: OpMap;
  /** Resources that an update would change. */
  readonly planned: readonly Planned[];
}

/** Options of every operation of the engine. */
interface OperationOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: EngineEvent) => void;
  readonly configFile?: string;
}

/** Runs the engine on one stack. */
export class Deployment {
  readonly #stack: Stack;
  readonly #configFile: string | undefined;
  /** File that each update writes the outputs to. */
  readonly #outputsFile: string | undefined;
  /** The policy pack and its settings for the stack. */
  readonly #policyPack: { readonly policyPacks: string[]; readonly policyPackConfigs?: string[] };

  private constructor(
    stack: Stack,
    { configFile, policyConfigFile }: Pick<StackOptions, "configFile" | "policyConfigFile">,
    outputsFile: string | undefined,
  ) {
    this.#stack = stack;
    this.#configFile = configFile;
    const pack = join(repoRoot, "policies");
    const ofStack = policyConfigFile ?? join(pack, `config.${stack.name}.json`);
    this.#policyPack = {
      policyPacks: [pack],
      ...(policyConfigFile !== undefined || existsSync(ofStack) ? { policyPackConfigs: [ofStack] } : {}),
    };
    this.#outputsFile = outputsFile;
  }

  /**
   * Opens the stack `local` in the local backend, or creates it. `configFile` replaces Pulumi.local.yaml, and
   * `policyConfigFile` policies/config.local.json. The emulator may still be starting.
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

  /** Opens a stack, or creates it. Creating it adds a salt to its Pulumi.<stack>.yaml if that has none. */
  static async openAt(place: StackOptions, outputsFile?: string): Promise<Deployment> {
    const { paths, providerPort, environment } = place;
    const stack = await openStack(place);
    Object.assign(
      stack.workspace.envVars,
      environment,
      pulumiEnvironment({ provider: "emulated", providerPort }, paths),
    );
    return new Deployment(stack, place, outputsFile);
  }

  /**
   * Runs an operation of the engine, and shows its resources as details of the step.
   * @param watch receives the engine's events
   * @throws the signal's reason after an abort; otherwise a DeploymentError with the engine's messages
   */
  async #run<Result>(
    verb: string,
    { detail }: Step,
    signal: AbortSignal,
    operation: (stack: Stack, options: OperationOptions) => Promise<Result>,
    watch: (event: EngineEvent) => void = () => undefined,
  ): Promise<{ result: Result; changes: OpMap }> {
    const diagnostics: string[] = [];
    let changes: OpMap = {};
    // The Automation API ignores the signal until the CLI runs, and calls this function just before.
    this.#stack.workspace.serializeArgsForOp = () =>
      signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve([]);
    try {
      const result = await operation(this.#stack, {
        signal,
        onEvent: (event) => {
          if (event.diagnosticEvent?.severity === "error") diagnostics.push(plain(event.diagnosticEvent.message));
          changes = event.summaryEvent?.resourceChanges ?? changes;
          const { urn, op } = event.resourcePreEvent?.metadata ?? {};
          if (urn !== undefined) detail(`${op ?? ""} ${shortName(urn)}`);
          watch(event);
        },
        ...(this.#configFile === undefined ? {} : { configFile: this.#configFile }),
      });
      return { result, changes };
    } catch (error) {
      signal.throwIfAborted();
      throw failure(verb, diagnostics, error);
    }
  }

  /**
   * Previews with the policy pack. Writes the engine's plan for {@link up} to `planFile`, if given.
   * @throws PolicyRefusal, or DeploymentError
   */
  async preview(step: Step, signal: AbortSignal, planFile?: string): Promise<Plan> {
    const violations = new Set<string>();
    const advisories = new Set<string>();
    const policies = new Set<string>();
    const planned: Planned[] = [];
    let notEvaluated = 0;
    const options = { ...this.#policyPack, ...(planFile === undefined ? {} : { plan: planFile }) };
    try {
      const { changes } = await this.#run(
        "preview",
        step,
        signal,
        (stack, common) => stack.preview({ ...common, ...options }),
        (event) => {
          if (event.policyEvent !== undefined) {
            const { policyName, resourceUrn, enforcementLevel } = event.policyEvent;
            const message = plain(event.policyEvent.message);
            const where = resourceUrn === undefined ? "" : ` (${shortName(resourceUrn)})`;
            // The pack's prefix for rules that it cannot evaluate yet (policies/README.md).
            if (message.startsWith("Cannot be evaluated in preview:")) notEvaluated += 1;
            else (enforcementLevel === "mandatory" ? violations : advisories).add(`${policyName}${where}: ${message}`);
          }
          for (const name of policiesIn(event)) policies.add(name);
          planned.push(...plannedIn(event));
        },
      );
      return { policies: policies.size, advisories: [...advisories], notEvaluated, changes, planned };
    } catch (error) {
      if (error instanceof DeploymentError && violations.size > 0) throw new PolicyRefusal([...violations]);
      throw error;
    }
  }

  /**
   * Deploys the stack, and writes its outputs for `client/`. With a `planFile`, only the changes in the plan are allowed.
   * Returns the number of resources in the stack.
   */
  async up(
    step: Step,
    signal: AbortSignal,
    planFile?: string,
  ): Promise<{ resources: number; changes: OpMap; outputs: Record<string, unknown> }> {
    const deleted = new Deleted();
    // The policies run again: the update knows values that the preview did not.
    const options = { ...this.#policyPack, ...(planFile === undefined ? {} : { plan: planFile }) };
    const { result, changes } = await this.#run(
      "up",
      step,
      signal,
      (stack, common) => stack.up({ ...common, ...options }),
      (event) => {
        deleted.note(event);
      },
    );
    await deleted.remove(this.#stack.workspace.envVars, signal);
    const outputs = Object.fromEntries(
      Object.entries(result.outputs).map(([name, output]) => [name, output.value as unknown]),
    );
    if (this.#outputsFile !== undefined) {
      await writeWhole(this.#outputsFile, `${JSON.stringify(outputs, undefined, 2)}\n`);
    }
    const total = Object.values(changes).reduce((sum, count) => sum + count, 0);
    return { resources: total - (changes.delete ?? 0), changes, outputs };
  }

  /** Reads every resource from AWS into the state. Returns the number of changed resources by operation. */
  async refresh(step: Step, signal: AbortSignal): Promise<OpMap> {
    return (await this.#run("refresh", step, signal, (stack, options) => stack.refresh(options))).changes;
  }

  /** Compares AWS with the program. Returns the resources that an update would change; changes neither the state nor AWS. */
  async drift(step: Step, signal: AbortSignal): Promise<readonly Planned[]> {
    const planned: Planned[] = [];
    await this.#run(
      "preview --refresh",
      step,
      signal,
      (stack, options) => stack.preview({ ...options, refresh: true }),
      (event) => planned.push(...plannedIn(event)),
    );
    return planned;
  }

  /**
   * Deletes all resources of the stack, in the order of their dependencies, and waits until the endpoint is deleted. SageMaker
   * refuses to delete an endpoint that is being scaled. By then the engine has deregistered the scalable target, so the scaling
   * ends and the next attempt succeeds.
   */
  async destroy(step: Step, signal: AbortSignal): Promise<void> {
    const deleted = new Deleted();
    const note = (event: EngineEvent): void => {
      deleted.note(event);
    };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#run("destroy", step, signal, (stack, options) => stack.destroy(options), note);
        break;
      } catch (error) {
        const isScaled =
          error instanceof DeploymentError && error.message.includes("Cannot update in-progress endpoint");
        if (!isScaled || attempt === destroyAttempts) throw error;
        step.detail("the endpoint is being scaled; waiting for it");
        await sleep(destroyPause, undefined, { signal });
      }
    }
    step.detail("waiting until the endpoint is gone");
    await deleted.remove(this.#stack.workspace.envVars, signal);
  }
}

/** Opens or creates a stack in the engine. It needs no AWS endpoint yet. */
async function openStack({
  stackName,
  projectFolder,
  paths,
}: Pick<StackOptions, "stackName" | "projectFolder" | "paths">): Promise<Stack> {
  makeFolder(paths.backend);
  makeFolder(paths.pulumiHome);
  // Loaded here, because Pulumi's SDK takes seconds: a command line must be checked first.
  const { LocalWorkspace, PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
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
  // The engine reports a full disk within lines such as "2 errors occurred", and for each unfinished resource.
  const full = fullDiskLine(words)?.replace(/^(\*|\d+\)) /, "");
  const reason = full === undefined ? `\n${words.trim()}` : ` ${full}`;
  return new DeploymentError(`pulumi ${verb} failed:${reason}`, { cause: error });
}
