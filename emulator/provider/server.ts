/** The Pulumi provider named aws, as a gRPC server that the engine attaches to (PULUMI_DEBUG_PROVIDERS=aws:PORT). */
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { ProviderError } from "./errors.ts";
import { checkPeerOwner } from "./peer-owner.ts";
import { Service } from "./service.ts";
import type { ProviderOptions } from "./session.ts";

/** A running provider. */
export interface RunningProvider {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** Ends all operations and stops. */
  stop(): Promise<void>;
}

/** The engine's limit: messages contain state and assets. */
const longestMessage = 400 * 1024 * 1024;
/** Time for operations under way to end when the provider stops, ms. */
const graceMilliseconds = 2_000;

/**
 * Starts the provider on a free port of 127.0.0.1. Other users of the machine are refused; web pages cannot use it,
 * because gRPC needs HTTP/2 without TLS, which browsers do not support.
 * @throws {ProviderError} if it cannot listen
 */
export async function startProvider(options: ProviderOptions): Promise<RunningProvider> {
  const server = new Server({
    "grpc.max_receive_message_length": longestMessage,
    "grpc.max_send_message_length": longestMessage,
  });
  const listen = promisify(server.bindAsync.bind(server));
  const port = await listen("127.0.0.1:0", ServerCredentials.createInsecure()).catch((error: unknown) => {
    throw new ProviderError(`The provider cannot listen on 127.0.0.1: ${String(error)}`, { cause: error });
  });
  const service = new Service(options, (peer) => checkPeerOwner(peer, port));
  server.addService(providerGrpc.ResourceProviderService, service.implementation());
  return {
    port,
    stop: async () => {
      service.stop();
      const ended = promisify(server.tryShutdown.bind(server))();
      await Promise.race([ended, sleep(graceMilliseconds, undefined, { ref: false })]);
      server.forceShutdown();
    },
  };
}
