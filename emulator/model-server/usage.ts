/** Measures the resources that an instance's processes use. Linux only; elsewhere only the disk is measured. */

import { readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { InstanceUsage } from "../core/worker.ts";

/** Clock ticks per second of times in /proc: USER_HZ, which is 100 on all of Linux's platforms that Node supports. */
const ticksPerSecond = 100;

/**
 * Minimum time between two readings, real ms: the stack's minutes may be shorter, and a reading goes through all
 * processes of the machine.
 */
const minInterval = 1_000;

/** A family of processes, and the folder that belongs to it. */
export interface MeteredInstance {
  /** Id of the process that starts the family. */
  readonly pid: number;
  readonly folder: string;
}

/** One reading of /proc about a family of processes. */
interface FamilyUse {
  /** Processor time so far, with that of ended children, in s. */
  readonly seconds: number;
  /** Bytes; memory that processes share counts once. */
  readonly memory: number;
}

/** Measures an instance's use of processors since the previous reading, and of memory and disk at the moment. */
export class UsageMeter {
  readonly #instance: MeteredInstance;
  #last: InstanceUsage | undefined;
  #before: { readonly at: number; readonly seconds: number };

  constructor(instance: MeteredInstance) {
    this.#instance = instance;
    this.#before = { at: performance.now(), seconds: familyUse(instance.pid)?.seconds ?? 0 };
  }

  /** Returns the use in percent: measured now, or less than a second ago. */
  read(): InstanceUsage {
    if (this.#last === undefined || performance.now() - this.#before.at >= minInterval) this.#last = this.#measured();
    return this.#last;
  }

  #measured(): InstanceUsage {
    const { pid, folder } = this.#instance;
    const measuredDisk = diskUse(folder);
    const disk = measuredDisk === undefined ? {} : { disk: measuredDisk };
    const use = familyUse(pid);
    if (use === undefined) return disk;
    const now = { at: performance.now(), seconds: use.seconds };
    const elapsed = (now.at - this.#before.at) / 1_000;
    const cpu = elapsed > 0 ? (100 * Math.max(0, now.seconds - this.#before.seconds)) / elapsed : 0;
    this.#before = now;
    return { cpu, memory: (100 * use.memory) / totalmem(), ...disk };
  }
}

/** Returns what a process and its descendants use; undefined without /proc. */
function familyUse(root: number): FamilyUse | undefined {
  const processes = processTable();
  if (processes === undefined) return undefined;
  const family = new Set([root]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  const members = processes.filter(({ pid }) => family.has(pid));
  return {
    seconds: members.reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond,
    memory: members.reduce((sum, { pid }) => sum + memoryOf(pid), 0),
  };
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function processTable(): ProcessEntry[] | undefined {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return undefined;
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readOptional(`/proc/${name}/stat`);
      if (stat === undefined) return [];
      // The command's name, in parentheses, may contain spaces: the fields after it begin with the state (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      return [{ pid: Number(name), parent: Number(fields[1]), ticks }];
    });
}

/** Returns a process's share of the memory that it uses, bytes; 0 if it has ended. */
function memoryOf(pid: number): number {
  const [, kilobytes = "0"] = /^Pss:\s+(\d+) kB$/m.exec(readOptional(`/proc/${pid}/smaps_rollup`) ?? "") ?? [];
  return Number(kilobytes) * 1_024;
}

/** Reads a file of a process; undefined if the process has ended or belongs to another user. */
function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Returns the folder's share of its file system, percent; undefined if the folder is gone, or if the model has made a
 * part of it unreadable or replaced it meanwhile: an error here would end the emulator.
 */
function diskUse(folder: string): number | undefined {
  try {
    const { blocks, bsize } = statfsSync(folder);
    return (100 * sizeOf(folder)) / (blocks * bsize);
  } catch {
    return undefined;
  }
}

/**
 * Returns the space that a folder's files take, bytes; a file that vanishes meanwhile counts as nothing.
 * @throws {Error} ENOENT, ENOTDIR or EACCES if a folder vanishes, is replaced or cannot be read
 */
function sizeOf(folder: string): number {
  let total = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    total += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return total;
}
