/** For tests: one resource, as the engine stores it and describes it to a provider. */
import assert from "node:assert/strict";
import type { ClientUnaryCall, ServiceError } from "@grpc/grpc-js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import type providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import { unknown } from "../values.ts";
import type { Values } from "../values.ts";
import { fromStruct, toStruct } from "../wire.ts";

/** A refusal by Check: reasons by property. */
export class CheckRefusal extends Error {
  override readonly name = "CheckRefusal";
  readonly failures: Record<string, string>;

  constructor(failures: Record<string, string>) {
    super(JSON.stringify(failures));
    this.failures = failures;
  }
}

/** A resource that was created only partly. */
export class InitFailed extends Error {
  override readonly name = "InitFailed";
  readonly id: string;
  readonly state: Values;

  constructor(message: string, id: string, state: Values) {
    super(message);
    this.id = id;
    this.state = state;
  }
}

/** Result of Diff. */
export interface DiffAnswer {
  readonly changes: readonly string[];
  readonly detailed: Record<string, string>;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

type Answer<Response> = (error: ServiceError | null, response: Response) => void;

/** Makes one call, as a promise. */
export function answerOf<Response>(start: (answer: Answer<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response);
      else reject(toError(error));
    });
  });
}

function toError(error: ServiceError): Error {
  const [details] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(details)) return error;
  for (const detail of statusProto.Status.deserializeBinary(details).getDetailsList()) {
    const half = anyProto.Any.deserializeBinary(detail.serializeBinary()).unpack(
      (bytes) => provider.ErrorResourceInitFailed.deserializeBinary(bytes),
      "pulumirpc.ErrorResourceInitFailed",
    );
    if (half !== null) return new InitFailed(error.details, half.getId(), fromStruct(half.getProperties()));
  }
  return error;
}

const kinds = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];
const seed = Uint8Array.from({ length: 32 }, (_, index) => 0xa1 + index);

/** One resource as the engine stores it: its last inputs, its state, its id. */
export class TestResource {
  readonly #client: providerGrpc.ResourceProviderClient;
  #creating: ClientUnaryCall | undefined;
  readonly type: string;
  readonly name: string;
  id = "";
  inputs: Values = {};
  state: Values = {};

  constructor(client: providerGrpc.ResourceProviderClient, type: string, name: string) {
    this.#client = client;
    this.type = type;
    this.name = name;
  }

  get urn(): string {
    return `urn:pulumi:test::project::${this.type}::${this.name}`;
  }

  /**
   * Returns Check's inputs.
   * @throws {CheckRefusal}
   */
  async check(news: Values): Promise<Values> {
    const request = new provider.CheckRequest()
      .setUrn(this.urn)
      .setName(this.name)
      .setType(this.type)
      .setOlds(toStruct(this.inputs))
      .setNews(toStruct(news))
      .setRandomseed(seed);
    const response = await answerOf<provider.CheckResponse>((answer) => this.#client.check(request, answer));
    const failures = response.getFailuresList();
    if (failures.length > 0) {
      throw new CheckRefusal(Object.fromEntries(failures.map((one) => [one.getProperty(), one.getReason()])));
    }
    return fromStruct(response.getInputs());
  }

  /** Checks and creates. */
  async create(news: Values): Promise<Values> {
    const inputs = await this.check(news);
    const response = await answerOf<provider.CreateResponse>((answer) => {
      this.#creating = this.#client.create(this.#creation(inputs), answer);
    });
    this.inputs = inputs;
    this.id = response.getId();
    this.state = fromStruct(response.getProperties());
    return this.state;
  }

  /** Ends the call that creates, as an engine does that dies. */
  abandon(): void {
    this.#creating?.cancel();
  }

  /** Previews the creation. */
  async previewCreate(news: Values): Promise<Values> {
    const request = this.#creation(await this.check(news)).setPreview(true);
    return fromStruct(
      (await answerOf<provider.CreateResponse>((answer) => this.#client.create(request, answer))).getProperties(),
    );
  }

  #creation(inputs: Values): provider.CreateRequest {
    return new provider.CreateRequest()
      .setUrn(this.urn)
      .setName(this.name)
      .setType(this.type)
      .setProperties(toStruct(inputs));
  }

  /** Returns the difference to the new inputs `news`. */
  async diff(news: Values, ignore: readonly string[] = []): Promise<DiffAnswer> {
    const request = new provider.DiffRequest()
      .setUrn(this.urn)
      .setName(this.name)
      .setType(this.type)
      .setId(this.id)
      .setOlds(toStruct(this.state))
      .setOldInputs(toStruct(this.inputs))
      .setNews(toStruct(await this.check(news)))
      .setIgnorechangesList([...ignore]);
    const response = await answerOf<provider.DiffResponse>((answer) => this.#client.diff(request, answer));
    const detailed: Record<string, string> = {};
    response.getDetaileddiffMap().forEach((diff, path) => {
      detailed[path] = kinds[diff.getKind()] ?? "?";
    });
    return {
      changes: response.getDiffsList(),
      detailed,
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  /** Updates to `news`. */
  async update(news: Values): Promise<Values> {
    const inputs = await this.check(news);
    const response = await answerOf<provider.UpdateResponse>((answer) =>
      this.#client.update(this.#change(inputs), answer),
    );
    this.inputs = inputs;
    this.state = fromStruct(response.getProperties());
    return this.state;
  }

  /** Previews the update. */
  async previewUpdate(news: Values): Promise<Values> {
    const request = this.#change(await this.check(news)).setPreview(true);
    return fromStruct(
      (await answerOf<provider.UpdateResponse>((answer) => this.#client.update(request, answer))).getProperties(),
    );
  }

  #change(inputs: Values): provider.UpdateRequest {
    return new provider.UpdateRequest()
      .setUrn(this.urn)
      .setName(this.name)
      .setType(this.type)
      .setId(this.id)
      .setOlds(toStruct(this.state))
      .setOldInputs(toStruct(this.inputs))
      .setNews(toStruct(inputs));
  }

  /** Reads it as a refresh does; undefined if AWS has none. */
  async read(): Promise<{ state: Values; inputs: Values } | undefined> {
    const found = await this.#readAs(this.id, this.state, this.inputs);
    return found && { state: found.state, inputs: found.inputs };
  }

  /** Reads it as an import does. */
  async import(id: string): Promise<{ id: string; state: Values; inputs: Values } | undefined> {
    return this.#readAs(id, {}, {});
  }

  async #readAs(id: string, state: Values, inputs: Values) {
    const request = new provider.ReadRequest()
      .setUrn(this.urn)
      .setName(this.name)
      .setType(this.type)
      .setId(id)
      .setProperties(toStruct(state))
      .setInputs(toStruct(inputs));
    const response = await answerOf<provider.ReadResponse>((answer) => this.#client.read(request, answer));
    if (response.getId() === "") return undefined;
    return {
      id: response.getId(),
      state: fromStruct(response.getProperties()),
      inputs: fromStruct(response.getInputs()),
    };
  }

  /**
   * Asserts that AWS's state matches the program's inputs `news`: a refresh changes nothing, and there is no
   * difference.
   */
  async assertSettled(news: Values): Promise<void> {
    const found = await this.read();
    assert.deepEqual(found, { state: this.state, inputs: this.inputs });
    assert.deepEqual((await this.diff(news)).changes, []);
  }

  /** Deletes it. */
  async delete(): Promise<void> {
    const request = new provider.DeleteRequest()
      .setUrn(this.urn)
      .setName(this.name)
      .setType(this.type)
      .setId(this.id)
      .setProperties(toStruct(this.state))
      .setOldInputs(toStruct(this.inputs));
    await answerOf<unknown>((answer) => this.#client.delete(request, answer));
  }
}

/** Tells whether a value is unknown in a preview. */
export const isUnknown = (value: unknown): boolean => value === unknown;
