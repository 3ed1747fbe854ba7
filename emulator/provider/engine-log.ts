/** Writes lines that the engine shows next to a resource while the provider works on it. */
import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

/** The engine's log. A line that cannot be delivered is dropped: the engine may have ended. */
export class EngineLog {
  readonly #client: engineGrpc.EngineClient;

  /** @param address the engine's address, from Attach or Handshake */
  constructor(address: string) {
    this.#client = new engineGrpc.EngineClient(address, credentials.createInsecure());
  }

  /** Shows a line that the next one replaces. */
  status(urn: string, message: string): void {
    const request = new engine.LogRequest().setSeverity(engine.LogSeverity.INFO);
    request.setUrn(urn).setMessage(message).setEphemeral(true);
    this.#client.log(request, () => undefined);
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close();
  }
}
