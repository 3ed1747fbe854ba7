/** Lines that the engine shows beside a resource while the provider works on it. */
import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

/** The engine's log. A line that does not arrive is lost: the engine may be gone. */
export class EngineLog {
  readonly #client: engineGrpc.EngineClient;

  /** `address`: where the engine listens, as it says in Attach or Handshake. */
  constructor(address: string) {
    this.#client = new engineGrpc.EngineClient(address, credentials.createInsecure());
  }

  /** Shows a line that the next one replaces. */
  status(urn: string, message: string): void {
    const request = new engine.LogRequest();
    request.setSeverity(engine.LogSeverity.INFO);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(true);
    this.#client.log(request, () => undefined);
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close();
  }
}
