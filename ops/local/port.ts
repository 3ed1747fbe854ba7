/** The port of the emulator. */
import { once } from "node:events";
import { createServer } from "node:net";
import { InvalidInputError } from "../../lib/errors.ts";

/** Default port. */
export const defaultPort = 4566;

/**
 * Checks that this process can listen on a port of 127.0.0.1, before anything is started.
 * @throws InvalidInputError if another process listens on it, or this user has no permission
 */
export async function checkPort(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: "is taken by another process",
      EACCES: "needs privileges",
    };
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? ""];
    if (reason === undefined) throw error;
    throw new InvalidInputError(`Port ${port} on 127.0.0.1 ${reason}. Choose another one with --port.`);
  }
  server.close();
  await once(server, "close");
}
