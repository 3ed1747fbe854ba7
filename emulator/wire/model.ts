/** AWS's API models as botocore ships them: operations, shapes and their constraints, loaded by service name. */

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { z } from "zod";

const shapeRef = z.object({
  shape: z.string(),
  location: z.enum(["header", "headers", "uri", "querystring", "statusCode"]).optional(),
  locationName: z.string().optional(),
});

const shape = z.object({
  type: z.enum([
    "structure",
    "list",
    "map",
    "string",
    "character",
    "integer",
    "long",
    "float",
    "double",
    "boolean",
    "timestamp",
    "blob",
  ]),
  members: z.record(z.string(), shapeRef).optional(),
  required: z.array(z.string()).optional(),
  member: shapeRef.optional(),
  key: shapeRef.optional(),
  value: shapeRef.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  pattern: z.string().optional(),
  enum: z.array(z.string()).optional(),
  sensitive: z.boolean().optional(),
  payload: z.string().optional(),
  exception: z.boolean().optional(),
  error: z
    .object({ code: z.string().optional(), httpStatusCode: z.number().optional(), senderFault: z.boolean().optional() })
    .optional(),
});

const operation = z.object({
  name: z.string(),
  http: z.object({ method: z.string(), requestUri: z.string(), responseCode: z.number().optional() }),
  input: z.object({ shape: z.string() }).optional(),
  output: z.object({ shape: z.string(), resultWrapper: z.string().optional() }).optional(),
  errors: z.array(z.object({ shape: z.string() })).optional(),
});

const apiModel = z.object({
  metadata: z.object({
    protocols: z.array(z.string()),
    signingName: z.string().optional(),
    endpointPrefix: z.string(),
    jsonVersion: z.string().optional(),
    targetPrefix: z.string().optional(),
    xmlNamespace: z.string().optional(),
    awsQueryCompatible: z.object({}).optional(),
  }),
  operations: z.record(z.string(), operation),
  shapes: z.record(z.string(), shape),
});

/** A use of a shape by another one. */
export type ShapeRef = z.infer<typeof shapeRef>;
/** A type of the model with its constraints. */
export type Shape = z.infer<typeof shape>;
/** An operation of the model. */
export type Operation = z.infer<typeof operation>;

/** botocore is not at the given path, or has an unknown form. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

/** One service's model. */
export class ApiModel {
  /** botocore's name of the service, such as `sagemaker`. */
  readonly name: string;
  readonly metadata: z.infer<typeof apiModel>["metadata"];
  readonly #operations: ReadonlyMap<string, Operation>;
  readonly #shapes: ReadonlyMap<string, Shape>;

  /**
   * @param source the parsed text of a `service-2.json`
   * @throws {ModelError} if it is not one
   */
  constructor(name: string, source: unknown) {
    const parsed = apiModel.safeParse(source);
    if (!parsed.success) {
      throw new ModelError(`The API model of ${name} is not as expected: ${z.prettifyError(parsed.error)}`);
    }
    this.name = name;
    this.metadata = parsed.data.metadata;
    this.#operations = new Map(Object.entries(parsed.data.operations));
    this.#shapes = new Map(Object.entries(parsed.data.shapes));
  }

  /** Returns the service's name in SigV4 scopes and IAM actions. */
  get signingName(): string {
    return this.metadata.signingName ?? this.metadata.endpointPrefix;
  }

  operation(name: string): Operation | undefined {
    return this.#operations.get(name);
  }

  operations(): Iterable<Operation> {
    return this.#operations.values();
  }

  shapes(): Iterable<[string, Shape]> {
    return this.#shapes;
  }

  /** Returns the exception of that name or code. */
  exception(code: string): { readonly name: string; readonly definition: Shape } | undefined {
    for (const [name, definition] of this.#shapes) {
      if (definition.exception === true && (name === code || definition.error?.code === code))
        return { name, definition };
    }
    return undefined;
  }

  /**
   * Returns the shape of that name.
   * @throws {ModelError} if the model refers to one that it does not have
   */
  shape(name: string): Shape {
    const found = this.#shapes.get(name);
    if (found === undefined) throw new ModelError(`The API model of ${this.name} has no shape ${name}.`);
    return found;
  }
}

/** Returns the `data` folder of the botocore in a Python environment. */
export async function botocoreDataFolder(python: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(
      python,
      [
        "-c",
        "import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec('botocore').origin).parent / 'data')",
      ],
      { timeout: 60_000 },
    );
    return stdout.trim();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ModelError(`${python} has no botocore, whose API models the emulator needs: ${cause}`, {
      cause: error,
    });
  }
}

/** Loads the newest version of a service's model from botocore's data folder. */
export async function loadApiModel(dataFolder: string, name: string): Promise<ApiModel> {
  try {
    const versions = (await readdir(join(dataFolder, name))).sort();
    const newest = versions.at(-1) ?? "";
    const packed = await readFile(join(dataFolder, name, newest, "service-2.json.gz"));
    const text = (await promisify(gunzip)(packed)).toString("utf8");
    return new ApiModel(name, JSON.parse(text));
  } catch (error) {
    if (error instanceof ModelError) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    throw new ModelError(`There is no readable API model of ${name} under ${dataFolder}: ${cause}`, { cause: error });
  }
}
