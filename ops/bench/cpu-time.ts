/** Reads the CPU time of a process family from /proc. Linux only. */
import { readdirSync, readFileSync } from "node:fs";

/** Ticks per second in /proc: 100 on x86-64 and arm64, independent of the kernel's timer (time(7), "The software clock"). */
const ticksPerSecond = 100;

/** One process, with CPU times in ticks. */
export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of the process. */
  readonly own: number;
  /** User and system time of the children that have ended, and of theirs. */
  readonly ended: number;
}

/** Parses the text of /proc/PID/stat (proc_pid_stat(5)). The name in parentheses may hold spaces and parentheses. */
export function parseStat(text: string): ProcessTimes {
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const field = (number: number): number => fields[number - 3] ?? NaN;
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    own: field(14) + field(15),
    ended: field(16) + field(17),
  };
}

/**
 * Adds up the CPU seconds of all descendants of `root`, running and ended, without those of `root`. The kernel adds the time of an
 * ended process to its parent, so the sum stays exact between two readings.
 */
export function descendantSeconds(root: number, processes: readonly ProcessTimes[]): number {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((ticks, child) => ticks + child.own + child.ended + sum(child.pid), 0);
  const ended = processes.find(({ pid }) => pid === root)?.ended ?? 0;
  return (ended + sum(root)) / ticksPerSecond;
}

/** Returns the CPU seconds of all descendants of this process so far. */
export function cpuSecondsOfDescendants(): number {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))];
      } catch {
        // It has ended since the folder was listed.
        return [];
      }
    });
  return descendantSeconds(process.pid, processes);
}
