/** For tests: the part of the engine that receives the provider's log. */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";

/** A line of the log. */
export interface LogLine {
  readonly urn: string;
  readonly message: string;
  readonly ephemeral: boolean;
}

/** A running engine's log. */
export interface TestEngine {
  readonly address: string;
  /** Returns all lines so far; waits for the first. */
  lines(): Promise<readonly LogLine[]>;
  stop(): void;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startTestEngine(): Promise<TestEngine> {
  const lines: LogLine[] = [];
  const first = Promise.withResolvers<undefined>();
  const server = new Server();
  server.addService(engineGrpc.EngineService, {
    log: ({ request }: ServerUnaryCall<LogRequest, emptyProto.Empty>, answer: sendUnaryData<emptyProto.Empty>) => {
      lines.push({ urn: request.getUrn(), message: request.getMessage(), ephemeral: request.getEphemeral() });
      first.resolve(undefined);
      answer(null, new emptyProto.Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    lines: async () => {
      await first.promise;
      return lines;
    },
    stop: () => {
      server.forceShutdown();
    },
  };
}
