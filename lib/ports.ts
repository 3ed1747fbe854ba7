/** Free ports on the loopback interface. */

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Server } from "node:net";

/**
 * Ports that no system chooses for a client or for port 0: Linux takes those from 32768 (net.ipv4.ip_local_port_range),
 * other systems those from 49152 (RFC 6335, section 6).
 */
const range = { first: 20_000, end: 32_768 } as const;
/** Number of ports to try for each one to return. */
const attempts = 100;

/**
 * Returns `count` ports on 127.0.0.1 that no process listens on at this moment. The system gives them to no other
 * process, but one that asks for the same number may take it before it is used: the caller must expect that binding
 * fails. If a server reports the port that it has bound, bind port 0 instead.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    for (let left = count * attempts; ports.length < count; left--) {
      if (left === 0) throw new Error(`Fewer than ${count} of the tried ports on 127.0.0.1 are free.`);
      const port = randomInt(range.first, range.end);
      const server = createServer();
      server.listen(port, "127.0.0.1");
      try {
        await once(server, "listening");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") continue;
        throw error;
      }
      servers.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Returns one port, as {@link freePorts} does. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("There is no free port on 127.0.0.1.");
  return port;
}
