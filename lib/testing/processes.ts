/** For tests: lists processes by descent and by content of their command line. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Returns the process ids of all living descendants, from Linux's /proc. */
export async function descendantsOf(ancestor: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end in the meantime.
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] !== "Z") parents.set(Number(name), Number(fields[1]));
  }
  const family = new Set([ancestor]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  family.delete(ancestor);
  return [...family];
}

/**
 * Returns the process ids of all living processes with `text` in their command line or environment, from Linux's /proc.
 */
export async function mentioning(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    for (const file of ["cmdline", "environ"]) {
      const content = await readFile(`/proc/${name}/${file}`, "utf8").catch(() => "");
      if (content.includes(text)) found.push(Number(name));
    }
  }
  return [...new Set(found)];
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when `holds` does; fails after `limit` ms. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, limit = 15_000): Promise<void> {
  const deadline = Date.now() + limit;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what}: not within ${limit} ms`);
    await sleep(20);
  }
}
