/** Free ports on the loopback interface. */

import { createServer } from "node:net";
import type { Server } from "node:net";
import { once } from "node:events";

/**
 * Returns `count` ports on 127.0.0.1 that no process listens on at this moment. Another process may take one before it
 * is used: the caller must expect that binding fails.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const server = createServer();
      servers.push(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("A listening TCP server has no port.");
      return address.port;
    });
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
