/** Checks that the peer of a loopback connection is a process of this user: gRPC's port is open to all users. */
import { readFile } from "node:fs/promises";
import { ProviderError } from "./errors.ts";

/**
 * Checks that the peer runs as this process's user. Only Linux has this information (proc(5), /proc/net/tcp); on other
 * systems every local process is accepted.
 * @param peer the address of the peer, 127.0.0.1:PORT
 * @param port this end's port on 127.0.0.1
 * @throws ProviderError if it runs as another user, or has ended
 */
export async function checkPeerOwner(peer: string, port: number): Promise<void> {
  if (process.platform !== "linux") return;
  const owner = ownerOf(await readFile("/proc/net/tcp", "utf8"), peer, port);
  if (owner === process.getuid?.()) return;
  throw new ProviderError(
    `The provider serves processes of user ${process.getuid?.()} only, and ${peer} belongs to ${owner === undefined ? "a process that has ended" : `user ${owner}`}`,
  );
}

/** Returns the user id of the process that connected from `peer` to 127.0.0.1:`port`, from /proc/net/tcp. */
export function ownerOf(table: string, peer: string, port: number): number | undefined {
  const [, peerPort] = /^127\.0\.0\.1:(\d+)$/.exec(peer) ?? [];
  if (peerPort === undefined) return undefined;
  // Addresses are in the byte order of the machine, ports in that of the network.
  const ends = `0100007F:${hex(Number(peerPort))} 0100007F:${hex(port)}`;
  for (const line of table.split("\n")) {
    const [, local, remote, , , , , uid] = line.trim().split(/\s+/);
    if (`${local} ${remote}` === ends) return Number(uid);
  }
  return undefined;
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
