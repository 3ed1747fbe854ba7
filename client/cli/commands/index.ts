/** The client's commands. */
import type { CommandEntry } from "../../../lib/command-line.ts";

/** The client's commands, in the order of a list for people. */
export const clientCommands: readonly CommandEntry[] = [
  {
    name: "submit",
    summary: "upload videos, submit each to the endpoint, print the jobs",
    load: async () => (await import("./submit.ts")).submitCommand,
  },
  {
    name: "status",
    summary: "show the endpoint's status and, given files of jobs, that of each job",
    load: async () => (await import("./status.ts")).statusCommand,
  },
  {
    name: "fetch",
    summary: "download results and check them against the model's schema",
    load: async () => (await import("./fetch.ts")).fetchCommand,
  },
  {
    name: "redrive",
    summary: "send failed and expired jobs again, from the error queue or a job journal",
    load: async () => (await import("./redrive.ts")).redriveCommand,
  },
  {
    name: "burst",
    summary: "send many copies of a video at once and report how the endpoint processed them",
    load: async () => (await import("./burst.ts")).burstCommand,
  },
];
