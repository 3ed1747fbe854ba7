/** The engine's calls, one method each, based on the life of a resource (lifecycle.ts) and the functions. */
import { callbackify } from "node:util";
import type * as grpc from "@grpc/grpc-js";
import sdk from "@pulumi/aws/package.json" with { type: "json" };
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import { checkInputs } from "./check.ts";
import { checkConfig } from "./config.ts";
import type { Change } from "./diff.ts";
import { EngineLog } from "./engine-log.ts";
import { ProviderError } from "./errors.ts";
import { functionNames, invoke } from "./functions.ts";
import * as lifecycle from "./lifecycle.ts";
import { findType, tokens } from "./registry.ts";
import type { Failure, ResourceType, Scope } from "./resource.ts";
import { openSession } from "./session.ts";
import type { ProviderOptions, Session } from "./session.ts";
import { withoutMarks } from "./values.ts";
import type { Values } from "./values.ts";
import { fromStruct, toServiceError, toStruct } from "./wire.ts";

/** Maximum number of stored connections: an engine opens a few, and does not report its end. */
const maxConnections = 64;

/** State of one engine's connection. */
interface EngineConnection {
  session?: Session;
  log?: EngineLog;
}

/** A request about a resource. */
interface ResourceRequest {
  getUrn(): string;
  getType(): string;
}

/** Context of a call: the calling engine, and the signal that it cancels. */
interface Call {
  readonly engine: EngineConnection;
  readonly signal: AbortSignal;
}

type Answer<Request, Response> = (request: Request, call: Call) => Promise<Response> | Response;

const { DiffChanges } = provider.DiffResponse;
const { Kind } = provider.PropertyDiff;

/** The service behind the gRPC server. Each engine has a separate connection, and thus a separate configuration. */
export class Service {
  readonly #options: ProviderOptions;
  readonly #admit: (address: string) => Promise<void>;
  readonly #connections = new Map<string, EngineConnection>();
  #cancel = new AbortController();

  /** @param admit resolves if the peer with this address may call; rejects with the reason if it may not */
  constructor(options: ProviderOptions, admit: (address: string) => Promise<void>) {
    this.#options = options;
    this.#admit = admit;
  }

  /** Ends all waits, and closes all connections. */
  stop(): void {
    this.#cancel.abort();
    this.#forget(0);
  }

  /** Methods by name. Without DiffConfig, the engine compares the configuration (Pulumi, providers/registry.go). */
  implementation(): grpc.UntypedServiceImplementation {
    const unary = <Request, Response>(answer: Answer<Request, Response>) => this.#unary(answer);
    return {
      attach: unary(this.#attach),
      getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(sdk.version)),
      getSchema: unary(() =>
        new provider.GetSchemaResponse().setSchema(JSON.stringify({ name: "aws", version: sdk.version })),
      ),
      checkConfig: unary(this.#checkConfig),
      configure: unary(this.#configure),
      check: unary(this.#check),
      diff: unary(this.#diff),
      create: unary(this.#create),
      read: unary(this.#read),
      update: unary(this.#update),
      delete: unary(this.#delete),
      invoke: unary(this.#invoke),
      cancel: unary(() => {
        this.#cancel.abort();
        // This process outlives the engine: requests of the next one are not cancelled.
        this.#cancel = new AbortController();
        return new emptyProto.Empty();
      }),
    };
  }

  #unary<Request, Response>(answer: Answer<Request, Response>): grpc.handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const gone = new AbortController();
      call.on("cancelled", () => {
        gone.abort();
      });
      const signal = AbortSignal.any([gone.signal, this.#cancel.signal]);
      const address = call.getPeer();
      // At each call: another user's process may have taken the port of an engine that has ended.
      const run = async (): Promise<Response> => {
        await this.#admit(address);
        return await answer.call(this, call.request, { engine: this.#engine(address), signal });
      };
      callbackify(run)((error: unknown, response) => {
        callback(error === null ? null : toServiceError(error, subjectOf(call.request)), response);
      });
    };
  }

  #engine(address: string): EngineConnection {
    const engine = this.#connections.get(address) ?? {};
    // The last used is the last in the map.
    this.#connections.delete(address);
    this.#connections.set(address, engine);
    this.#forget(maxConnections);
    return engine;
  }

  /** Closes all connections except the `kept` last used ones. */
  #forget(kept: number): void {
    const oldest = [...this.#connections].slice(0, Math.max(0, this.#connections.size - kept));
    for (const [address, { session, log }] of oldest) {
      session?.close();
      log?.close();
      this.#connections.delete(address);
    }
  }

  #attach(request: plugin.PluginAttach, { engine }: Call): emptyProto.Empty {
    engine.log?.close();
    engine.log = new EngineLog(request.getAddress());
    return new emptyProto.Empty();
  }

  #checkConfig(request: provider.CheckRequest): provider.CheckResponse {
    const news = fromStruct(request.getNews());
    return checked(news, checkConfig(news));
  }

  async #configure(request: provider.ConfigureRequest, { engine }: Call): Promise<provider.ConfigureResponse> {
    engine.session?.close();
    engine.session = await openSession(this.#options, fromStruct(request.getArgs()));
    return new provider.ConfigureResponse().setSupportspreview(true);
  }

  #check(request: provider.CheckRequest, { engine }: Call): provider.CheckResponse {
    const token = request.getType();
    const news = fromStruct(request.getNews());
    const type = findType(token);
    if (type === undefined) return checked(news, [{ property: "", reason: missing("type", token, tokens) }]);
    const { region, config } = sessionOf(engine);
    const context = { name: request.getName(), region, tags: config.tags, seed: request.getRandomseed_asU8() };
    const { inputs, failures } = checkInputs(type, fromStruct(request.getOlds()), news, context);
    return checked(inputs, failures);
  }

  #diff(request: provider.DiffRequest): provider.DiffResponse {
    const difference = lifecycle.diff(
      typeOf(request),
      fromStruct(request.getOlds()),
      fromStruct(request.getNews()),
      request.getIgnorechangesList(),
    );
    const response = new provider.DiffResponse()
      .setChanges(difference.changes.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
      .setDiffsList([...new Set(difference.changes.map((change) => change.root))])
      .setReplacesList([...difference.replaces])
      .setDeletebeforereplace(difference.deleteBeforeReplace)
      .setHasdetaileddiff(true);
    const detailed = response.getDetaileddiffMap();
    for (const change of difference.changes) {
      detailed.set(change.path, new provider.PropertyDiff().setKind(kindOf(change)));
    }
    return response;
  }

  async #create(request: provider.CreateRequest, call: Call): Promise<provider.CreateResponse> {
    const type = typeOf(request);
    const inputs = fromStruct(request.getProperties());
    if (request.getPreview()) {
      return new provider.CreateResponse().setProperties(toStruct(lifecycle.previewCreate(type, inputs)));
    }
    const made = await lifecycle.create(type, inputs, scopeOf(request, inputs, call));
    return new provider.CreateResponse().setId(made.id).setProperties(toStruct(made.state));
  }

  async #read(request: provider.ReadRequest, call: Call): Promise<provider.ReadResponse> {
    const type = typeOf(request);
    const state = fromStruct(request.getProperties());
    const oldInputs = fromStruct(request.getInputs());
    const written = { ...state, ...withoutMarks(oldInputs) };
    const known = await lifecycle.read(type, request.getId(), state, scopeOf(request, written, call), written);
    if (known === undefined) return new provider.ReadResponse();
    return new provider.ReadResponse()
      .setId(known.id)
      .setProperties(toStruct(known.state))
      .setInputs(toStruct(lifecycle.inputsOf(type, known.state, oldInputs)));
  }

  async #update(request: provider.UpdateRequest, call: Call): Promise<provider.UpdateResponse> {
    const type = typeOf(request);
    const [before, inputs] = [fromStruct(request.getOlds()), fromStruct(request.getNews())];
    if (request.getPreview()) {
      const planned = lifecycle.previewUpdate(type, request.getId(), before, inputs);
      return new provider.UpdateResponse().setProperties(toStruct(planned));
    }
    const known = await lifecycle.update(type, request.getId(), before, inputs, scopeOf(request, inputs, call));
    return new provider.UpdateResponse().setProperties(toStruct(known.state));
  }

  async #delete(request: provider.DeleteRequest, call: Call): Promise<emptyProto.Empty> {
    const state = fromStruct(request.getProperties());
    await typeOf(request).delete(request.getId(), scopeOf(request, state, call), state);
    return new emptyProto.Empty();
  }

  #invoke(request: provider.InvokeRequest, { engine }: Call): provider.InvokeResponse {
    const token = request.getTok();
    const answer = invoke(token, fromStruct(request.getArgs()), sessionOf(engine));
    if (answer === undefined) throw new ProviderError(missing("function", token, functionNames));
    return new provider.InvokeResponse().setReturn(toStruct(answer));
  }
}

function missing(what: string, token: string, known: readonly string[]): string {
  return (
    `The emulator's provider has no ${what} ${token}: leave it out of the stack that runs on the emulator, ` +
    `or add it to the provider. It has ${known.join(", ")}`
  );
}

function typeOf(request: ResourceRequest): ResourceType {
  const type = findType(request.getType());
  if (type === undefined) throw new ProviderError(missing("type", request.getType(), tokens));
  return type;
}

function sessionOf(engine: EngineConnection): Session {
  if (engine.session === undefined) {
    throw new ProviderError("The engine has not configured the provider on this connection: run the command again");
  }
  return engine.session;
}

function scopeOf(request: ResourceRequest, values: Values, { engine, signal }: Call): Scope {
  return sessionOf(engine).scope(values["region"], request.getUrn(), signal, engine.log);
}

/** Returns the subject of an error message. */
function subjectOf(request: unknown): string | undefined {
  const about = request as Partial<ResourceRequest & { getId(): string }>;
  const urn = about.getUrn?.();
  if (urn === undefined || urn === "") return undefined;
  const id = about.getId?.() ?? "";
  return `${about.getType?.() ?? ""} ${urn.split("::").at(-1) ?? urn}${id === "" ? "" : ` (${id})`}`;
}

function checked(inputs: Values, failures: readonly Failure[]): provider.CheckResponse {
  const list = failures.map(({ property, reason }) =>
    new provider.CheckFailure().setProperty(property).setReason(reason),
  );
  return new provider.CheckResponse().setInputs(toStruct(inputs)).setFailuresList(list);
}

/** Returns the engine's kind of a change, such as UPDATE_REPLACE. */
function kindOf({ kind, replaces }: Change): provider.PropertyDiff.Kind {
  const name = `${kind.toUpperCase()}${replaces ? "_REPLACE" : ""}`;
  return Kind[name as keyof typeof Kind];
}
