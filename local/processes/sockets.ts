/** Unix sockets that only the user can reach: their folders, and HTTP through them. */

import { mkdtemp } from "node:fs/promises";
import { Agent } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** sockaddr_un has 108 bytes on Linux and 104 on macOS; names in the folder may have 30 of them. */
const longestFolder = 70;

/**
 * Makes a folder of mode 0700 for sockets below `parent`, or in the system's folder for temporary files if `parent` is too
 * deep. Whoever asks removes it.
 */
export async function socketFolder(parent: string): Promise<string> {
  const isShort = Buffer.byteLength(parent) <= longestFolder - "/s-XXXXXX".length;
  // mkdtemp makes folders of mode 0700.
  return await mkdtemp(join(isShort ? parent : tmpdir(), "s-"));
}

/** Keeps connections to the HTTP server on one Unix socket, whatever host a request names. */
export class SocketAgent extends Agent {
  readonly #path: string;

  /** @param path the socket's */
  constructor(path: string) {
    super({ keepAlive: true, maxSockets: 50 });
    this.#path = path;
  }

  override createConnection(): ReturnType<typeof connect> {
    return connect(this.#path);
  }
}
