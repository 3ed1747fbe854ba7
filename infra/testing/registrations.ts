/** Runs parts of the program under Pulumi's mocks and records every registration, including properties that mocks do not receive. */
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest, RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import type { MockCallArgs, MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";

/** One registered resource. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** The parent's URN; empty for the stack and for resources outside a stack. */
  readonly parent: string;
  /** URNs of its dependencies, through dependsOn or through an input. */
  readonly dependencies: readonly string[];
  /** URNs of its dependencies by input. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  /** True if a provider creates it; false for a component. */
  readonly custom: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Names of the hooks before and after its update. */
  readonly updateHooks: readonly string[];
  /** True if the program requests deletion before replacement; undefined if it does not set it. */
  readonly deleteBeforeReplace: boolean | undefined;
  readonly retainOnDelete: boolean;
  /** Earlier logical names; the engine lets children inherit their parent's. */
  readonly aliases: readonly string[];
  /** A value whose change replaces the resource. */
  readonly replacementTrigger: unknown;
  /** The inputs, resolved. Values that are unknown in a preview are missing. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Number of the account of the mocks. */
export const accountId = "123456789012";
/** Region of the mocks. */
export const region = "eu-west-1";

/** The registrations, in order. */
export class Registrations {
  readonly all: Registration[] = [];

  /** Returns all of a type. */
  ofType(type: string): Registration[] {
    return this.all.filter((registration) => registration.type === type);
  }

  /**
   * Returns the only one of a type, or of a type and name.
   * @throws Error if there is none or more than one
   */
  one(type: string, name?: string): Registration {
    return this.#only(
      (each) => each.type === type && (name === undefined || each.name === name),
      `${type} ${name ?? ""}`,
    );
  }

  /**
   * Returns the one with a URN.
   * @throws Error if there is none
   */
  at(urn: string): Registration {
    return this.#only((each) => each.urn === urn, urn);
  }

  #only(wanted: (each: Registration) => boolean, description: string): Registration {
    const [found, ...others] = this.all.filter(wanted);
    if (found === undefined || others.length > 0) {
      const registered = this.all.map(({ type, name }) => `${type} ${name}`).join(", ");
      throw new Error(`expected one registration of ${description} among: ${registered}`);
    }
    return found;
  }
}

/** Receives the registrations of the current run. */
let recording = new Registrations();

type Respond = (error: Error | null, response: RegisterResourceResponse) => void;
type Register = (this: MockMonitor, request: RegisterResourceRequest, respond: Respond) => Promise<void>;

// Mocks do not receive parents, dependencies and options. The request that the engine would receive contains them.
const register = Reflect.get(MockMonitor.prototype, "registerResource") as Register;
const record: Register = function (request, respond) {
  const registrations = recording;
  const object = request.getObject();
  const inputs = (object === undefined ? {} : pulumi.runtime.deserializeProperties(object)) as Record<string, unknown>;
  return register.call(this, request, (error, response) => {
    if (error === null) {
      registrations.all.push({
        type: request.getType(),
        name: request.getName(),
        urn: response.getUrn(),
        parent: request.getParent(),
        dependencies: request.getDependenciesList(),
        propertyDependencies: Object.fromEntries(
          [...request.getPropertydependenciesMap().entries()].map(([key, value]) => [key, value.getUrnsList()]),
        ),
        protect: request.getProtect() ?? false,
        custom: request.getCustom(),
        ignoreChanges: request.getIgnorechangesList(),
        replaceOnChanges: request.getReplaceonchangesList(),
        updateHooks: [
          ...(request.getHooks()?.getBeforeUpdateList() ?? []),
          ...(request.getHooks()?.getAfterUpdateList() ?? []),
        ],
        deleteBeforeReplace: request.getDeletebeforereplacedefined() ? request.getDeletebeforereplace() : undefined,
        retainOnDelete: request.getRetainondelete() === true,
        aliases: request.getAliasesList().map((alias) => alias.getSpec()?.getName() ?? alias.getUrn()),
        replacementTrigger: request.getReplacementTrigger()?.toJavaScript(),
        inputs,
      });
    }
    respond(error, response);
  });
};
Reflect.set(MockMonitor.prototype, "registerResource", record);

// Mocks report support for hooks, but lack the call that registers one.
const registerHook = (_request: unknown, respond: (error: null, response: object) => void): void => {
  respond(null, {});
};
Reflect.set(MockMonitor.prototype, "registerResourceHook", registerHook);

/** Returns the outputs that AWS adds to the inputs, if the program reads them. */
function created({ type, name, inputs }: MockResourceArgs): { id: string; state: Record<string, unknown> } {
  const given = inputs as Record<string, unknown>;
  const physicalName = `${name}-0a1b2c3`;
  const [service = ""] = type.replace("aws:", "").split("/");
  const arn =
    service === "s3" ? `arn:aws:s3:::${physicalName}` : `arn:aws:${service}:${region}:${accountId}:${physicalName}`;
  return {
    id: physicalName,
    state: {
      name: physicalName,
      arn,
      ...(type === "aws:s3/bucket:Bucket" ? { bucket: physicalName } : {}),
      ...(type === "aws:kms/key:Key" ? { keyId: physicalName } : {}),
      ...(type === "pulumi:index:Stash" ? { output: given["input"] } : {}),
      ...(type === "aws:sqs/queue:Queue"
        ? { url: `https://sqs.${region}.amazonaws.com/${accountId}/${physicalName}` }
        : {}),
      ...given,
    },
  };
}

function called({ token, inputs }: MockCallArgs): Record<string, unknown> {
  const given = inputs as Record<string, string>;
  const answers: Record<string, Record<string, unknown>> = {
    "aws:index/getCallerIdentity:getCallerIdentity": { accountId },
    "aws:index/getRegion:getRegion": { region },
    "aws:index/getPartition:getPartition": { partition: "aws" },
    "aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage": {
      registryPath: `763104351884.dkr.ecr.${region}.amazonaws.com/${given["repositoryName"]}:${given["imageTag"]}`,
    },
  };
  const answer = answers[token];
  if (answer === undefined) throw new Error(`the program calls ${token}, which has no mock`);
  return answer;
}

/** Options for a run of the program. */
export interface Run {
  /** @default "test" */
  readonly stack?: string;
  /** @default "async-video-inference" */
  readonly project?: string;
  /** Full keys and values as Pulumi passes them. @default none */
  readonly config?: Readonly<Record<string, string>>;
}

/** Runs a program as a stack's and waits until everything is registered. Returns the registrations and the stack's outputs. */
export async function registrationsOf(
  program: () => unknown,
  { stack = "test", project = "async-video-inference", config = {} }: Run = {},
): Promise<{ registrations: Registrations; outputs: Readonly<Record<string, unknown>> }> {
  const registrations = new Registrations();
  recording = registrations;
  await pulumi.runtime.setMocks({ newResource: created, call: called }, project, stack);
  pulumi.runtime.setAllConfig({ ...config });
  const outputs = (await pulumi.runtime.runInPulumiStack(() => Promise.resolve(program()))) as
    Record<string, unknown> | undefined;
  // Waits until no registration is in progress.
  await pulumi.runtime.disconnect();
  return { registrations, outputs: outputs?.["default"] === undefined ? (outputs ?? {}) : namedIn(outputs["default"]) };
}

/** Returns the outputs in a module's default export, as Pulumi does. */
function namedIn(exported: unknown): Readonly<Record<string, unknown>> {
  if (typeof exported !== "object" || exported === null)
    throw new Error("the program's default export is not an object");
  return { ...exported };
}

/** A key's ARN, for tests of single components. */
export const keyArn = `arn:aws:kms:${region}:${accountId}:key/1a2b`;

/** A mocked account, for tests of single components. */
export function mockAccount(): {
  id: pulumi.Output<string>;
  partition: pulumi.Output<string>;
  region: pulumi.Output<string>;
} {
  return { id: pulumi.output(accountId), partition: pulumi.output("aws"), region: pulumi.output(region) };
}
