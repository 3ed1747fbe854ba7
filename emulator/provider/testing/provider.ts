/** For tests: a provider, and a client that calls it as the engine does. */
import { credentials } from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { testCredentials } from "../../testing/test-gateway.ts";
import { startProvider } from "../server.ts";
import type { ProviderOptions } from "../session.ts";
import { answerOf, CheckRefusal, TestResource } from "./resource.ts";
import type { Values } from "../values.ts";
import { fromStruct, toStruct } from "../wire.ts";

/** A provider under test. */
export interface TestProvider {
  readonly port: number;
  readonly client: providerGrpc.ResourceProviderClient;
  /** Returns the operations that were called since the last call. */
  calls(): string[];
  /** Returns one resource of a type. */
  resource(type: string, name?: string): TestResource;
  configure(config: Values): Promise<void>;
  checkConfig(config: Values): Promise<Record<string, string>>;
  invoke(token: string, args: Values): Promise<Values>;
  /** Passes the engine's address to the provider. */
  attach(engine: string): Promise<void>;
  /** Cancels as the engine does. */
  cancel(): Promise<void>;
  /** Connects another engine, on a separate connection. */
  connect(): OtherEngine;
  /** Resolves when AWS has not been called for longer than any wait takes. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** Another engine of the same provider. */
export interface OtherEngine extends Pick<TestProvider, "configure" | "invoke"> {
  /** Drops the connection. */
  close(): void;
}

/** Makes a client on a separate connection: the library would share one between clients. */
function connect(port: number): providerGrpc.ResourceProviderClient {
  return new providerGrpc.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
}

async function configure(client: providerGrpc.ResourceProviderClient, config: Values): Promise<void> {
  const request = new provider.ConfigureRequest().setArgs(toStruct(config)).setSendsOldInputs(true);
  await answerOf<provider.ConfigureResponse>((answer) => client.configure(request, answer));
}

async function invoke(client: providerGrpc.ResourceProviderClient, token: string, args: Values): Promise<Values> {
  const request = new provider.InvokeRequest().setTok(token).setArgs(toStruct(args));
  const response = await answerOf<provider.InvokeResponse>((answer) => client.invoke(request, answer));
  const [failure] = response.getFailuresList();
  if (failure !== undefined) throw new CheckRefusal({ [failure.getProperty()]: failure.getReason() });
  return fromStruct(response.getReturn());
}

/** A fiftieth of the provider's waits for AWS. */
const pauseMilliseconds = 20;

/** Starts a provider for us-east-1 that calls `endpoint`. */
export async function startTestProvider(
  endpoint: string,
  options: Partial<ProviderOptions> = {},
): Promise<TestProvider> {
  let recorded: string[] = [];
  const running = await startProvider({
    endpoint,
    region: "us-east-1",
    credentials: testCredentials,
    retryBudget: 1_000,
    pause: pauseMilliseconds,
    onCall: ({ operation }) => recorded.push(operation),
    ...options,
  });
  const client = connect(running.port);
  const calls = (): string[] => {
    const before = recorded;
    recorded = [];
    return before;
  };
  return {
    port: running.port,
    client,
    calls,
    resource: (type, name = "thing") => new TestResource(client, type, name),
    configure: async (config) => {
      await configure(client, config);
      calls();
    },
    checkConfig: async (config) => {
      const request = new provider.CheckRequest().setNews(toStruct(config));
      const response = await answerOf<provider.CheckResponse>((answer) => client.checkConfig(request, answer));
      return Object.fromEntries(response.getFailuresList().map((one) => [one.getProperty(), one.getReason()]));
    },
    invoke: (token, args) => invoke(client, token, args),
    attach: async (engine) => {
      await answerOf<unknown>((answer) => client.attach(new plugin.PluginAttach().setAddress(engine), answer));
    },
    cancel: async () => {
      await answerOf<unknown>((answer) => client.cancel(new emptyProto.Empty(), answer));
    },
    connect: () => {
      const other = connect(running.port);
      return {
        configure: (config) => configure(other, config),
        invoke: (token, args) => invoke(other, token, args),
        close: () => {
          other.close();
        },
      };
    },
    idle: async () => {
      do {
        calls();
        await new Promise((resolve) => setTimeout(resolve, 5 * pauseMilliseconds));
      } while (calls().length > 0);
    },
    stop: async () => {
      client.close();
      await running.stop();
    },
  };
}
