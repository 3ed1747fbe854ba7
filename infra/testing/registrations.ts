/** Runs parts of the program under Pulumi's mocks and records every registration, with what mocks alone do not see. */
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest, RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb.js";
import { type MockCallArgs, MockMonitor, type MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";

/** One resource as the program registered it. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  /** The parent's URN; empty for the stack and for what has no stack above it. */
  readonly parent: string;
  /** URNs of what it depends on, through dependsOn or through an input. */
  readonly dependencies: readonly string[];
  /** The same, input by input. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly protect: boolean;
  /** Whether a provider makes it; a component is made of others. */
  readonly custom: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Names of the hooks before and after its update. */
  readonly updateHooks: readonly string[];
  /** Whether the program asks for deletion before replacement; undefined where it says nothing. */
  readonly deleteBeforeReplace: boolean | undefined;
  readonly retainOnDelete: boolean;
  /** Earlier logical names; the engine lets children inherit their parent's. */
  readonly aliases: readonly string[];
  /** A value whose change replaces the resource. */
  readonly replacementTrigger: unknown;
  /** The inputs, resolved; what is not known in a preview is missing. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

export const accountId = "123456789012";
export const region = "eu-west-1";

/** What was registered, in order. */
export class Registrations {
  readonly all: Registration[] = [];

  /** All of a type. */
  ofType(type: string): Registration[] {
    return this.all.filter((registration) => registration.type === type);
  }

  /** The one of a type, or of a type and name. Throws if there is none, or more than one. */
  one(type: string, name?: string): Registration {
    return this.only(
      (each) => each.type === type && (name === undefined || each.name === name),
      `${type} ${name ?? ""}`,
    );
  }

  /** The one with a URN. Throws if there is none. */
  at(urn: string): Registration {
    return this.only((each) => each.urn === urn, urn);
  }

  private only(wanted: (each: Registration) => boolean, description: string): Registration {
    const [found, ...others] = this.all.filter(wanted);
    if (found === undefined || others.length > 0) {
      const registered = this.all.map(({ type, name }) => `${type} ${name}`).join(", ");
      throw new Error(`not one registration of ${description} among: ${registered}`);
    }
    return found;
  }
}

/** Where the registrations of the present run go. */
let recording = new Registrations();

type Respond = (error: Error | null, response: RegisterResourceResponse) => void;
type Register = (this: MockMonitor, request: RegisterResourceRequest, respond: Respond) => Promise<void>;

// Mocks do not see parents, dependencies and options: the request that the engine would get has them.
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

// Mocks say that they know hooks, and lack the call that registers one.
const registerHook = (_request: unknown, respond: (error: null, response: object) => void): void => {
  respond(null, {});
};
Reflect.set(MockMonitor.prototype, "registerResourceHook", registerHook);

/** The outputs that AWS adds to the inputs, as far as the program reads them. */
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

/** How a program is run. */
export interface Run {
  /** @default "test" */
  readonly stack?: string;
  /** @default "async-video-inference" */
  readonly project?: string;
  /** Full keys and values as Pulumi hands them over. @default none */
  readonly config?: Readonly<Record<string, string>>;
}

/** Runs a program as a stack's, waits until everything is registered, and answers what was, and the stack's outputs. */
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
  // Waits until nothing is under way.
  await pulumi.runtime.disconnect();
  return { registrations, outputs: outputs?.["default"] === undefined ? (outputs ?? {}) : namedIn(outputs["default"]) };
}

/** What Pulumi takes from a module's default export. */
function namedIn(exported: unknown): Readonly<Record<string, unknown>> {
  if (typeof exported !== "object" || exported === null) throw new Error("the program's default export is no object");
  return { ...exported };
}

/** A key's ARN, for components on their own. */
export const keyArn = `arn:aws:kms:${region}:${accountId}:key/1a2b`;

/** A mocked account, for components on their own. */
export function mockAccount(): {
  id: pulumi.Output<string>;
  partition: pulumi.Output<string>;
  region: pulumi.Output<string>;
} {
  return { id: pulumi.output(accountId), partition: pulumi.output("aws"), region: pulumi.output(region) };
}
