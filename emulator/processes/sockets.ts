/** Unix sockets that only the user can reach: their folders, and HTTP through them. */

import { mkdtemp } from "node:fs/promises";
import { Agent } from "node:http";
import type { AgentOptions, ClientRequestArgs } from "node:http";
import { connect, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

/** sockaddr_un has 108 bytes on Linux and 104 on macOS; names in the folder may have 30 of them. */
const longestFolder = 70;

/**
 * Makes a folder of mode 0700 for sockets below `parent`, or in the system's folder for temporary files if `parent` is
 * too deep. The caller removes it.
 */
export async function socketFolder(parent: string): Promise<string> {
  const isShort = Buffer.byteLength(parent) <= longestFolder - "/s-XXXXXX".length;
  // mkdtemp makes folders of mode 0700.
  return await mkdtemp(join(isShort ? parent : tmpdir(), "s-"));
}

/** The Unix socket of a server that may still be starting. */
export interface ServerSocket {
  readonly path: string;
  /** Resolves when the server answers; rejects, with the reason, when it will not. */
  readonly ready: Promise<unknown>;
}

/**
 * Keeps connections to the HTTP server on one Unix socket, for any host in the request. A request waits, its body
 * unread, until the server is ready, and fails with the reason if the server does not start.
 */
export class SocketAgent extends Agent {
  readonly #socket: ServerSocket;

  constructor(socket: ServerSocket, options: Pick<AgentOptions, "maxSockets" | "timeout">) {
    super({ keepAlive: true, ...options });
    this.#socket = socket;
  }

  override createConnection(
    { timeout }: ClientRequestArgs,
    callback?: (error: Error | null, connection: Duplex) => void,
  ): undefined {
    const { path, ready } = this.#socket;
    ready.then(
      () => {
        callback?.(null, connect({ path, ...(timeout === undefined ? {} : { timeout }) }));
      },
      (error: unknown) => {
        // After an error, Node does not use the connection.
        callback?.(error as Error, new Socket());
      },
    );
  }
}
