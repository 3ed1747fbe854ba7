/** For tests: lists the sockets that processes listen on, from Linux's /proc. */

import { readdir, readFile, readlink } from "node:fs/promises";

/** Sockets of some processes. */
export interface Listening {
  /**
   * `tcp ADDRESS:PORT`, and `udp ADDRESS:PORT` for bound UDP sockets; IPv4 addresses of an IPv6 socket are shown as
   * IPv4.
   */
  readonly network: readonly string[];
  /** Paths of Unix sockets; those of Linux's abstract name space start with @. */
  readonly unix: readonly string[];
}

/** States that mean listening; a UDP socket is never in TCP's. Source: Linux, include/net/tcp_states.h. */
const listenStates = { tcp: "0A", udp: "07" } as const;
/** __SO_ACCEPTCON: a Unix socket that listens. Source: Linux, include/uapi/linux/net.h. */
const acceptsConnections = 1 << 16;

/** Returns the sockets that the processes listen on. Processes that have ended have none. */
export async function listeningSockets(pids: readonly number[]): Promise<Listening> {
  const inodes = new Set((await Promise.all(pids.map(socketInodes))).flat());
  const network: string[] = [];
  for (const protocol of ["tcp", "udp"] as const) {
    for (const table of [protocol, `${protocol}6`]) {
      for (const fields of await rows(table)) {
        const [, local = "", , state, , , , , , inode = ""] = fields;
        if (state === listenStates[protocol] && inodes.has(inode)) network.push(`${protocol} ${addressOf(local)}`);
      }
    }
  }
  const unix: string[] = [];
  for (const [, , , flags = "0", , , inode = "", path] of await rows("unix")) {
    const isListening = (Number.parseInt(flags, 16) & acceptsConnections) !== 0;
    if (isListening && path !== undefined && inodes.has(inode)) unix.push(path);
  }
  return { network: network.sort(), unix: unix.sort() };
}

/** Returns the inodes of a process's sockets. */
async function socketInodes(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  // A process may end, and a file may be closed, in the meantime.
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** Returns the rows of a table of /proc/net, by columns; none if the kernel does not have the protocol. */
async function rows(table: string): Promise<string[][]> {
  const text = await readFile(`/proc/net/${table}`, "utf8").catch(() => "");
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

/** Parses ADDRESS:PORT of /proc/net: words of 32 bits in the machine's byte order, here little-endian. */
function addressOf(text: string): string {
  const [address = "", port = ""] = text.split(":");
  const words = address.match(/.{8}/g) ?? [];
  const bytes = Buffer.concat(words.map((word) => Buffer.from(word, "hex").reverse()));
  const isIpv4 = bytes.length === 4 || bytes.subarray(0, 12).equals(Buffer.from(`${"00".repeat(10)}ffff`, "hex"));
  const written = isIpv4 ? bytes.subarray(-4).join(".") : `[${bytes.toString("hex")}]`;
  return `${written}:${Number.parseInt(port, 16)}`;
}
