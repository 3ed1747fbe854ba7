/** The commands of `async-video`. Each module loads only when its command runs. */
import type { CommandEntry, ExternalCommand } from "../lib/command-line.ts";
import { clientCommands } from "../client/cli/commands/index.ts";

/** The commands that run on this machine. */
export const commands: readonly (CommandEntry | ExternalCommand)[] = [
  {
    name: "start",
    summary: "run one video end to end on this machine",
    load: async () => (await import("./start/start.ts")).startCommand,
  },
  {
    name: "local",
    summary: "keep a local stack running between commands",
    load: async () => (await import("./local/local.ts")).localCommand,
  },
  {
    name: "explain",
    summary: "say whether a role may make a call on the local stack, and why",
    load: async () => (await import("./local/explain.ts")).explainCommand,
  },
  ...clientCommands,
  {
    name: "smoke",
    summary: "test a deployed stack with one good video and one bad file",
    run: async (args) => await (await import("./smoke.ts")).runSmokeTest(args),
  },
  {
    name: "doctor",
    summary: "check that a stack can be deployed from this machine",
    load: async () => (await import("./doctor/doctor.ts")).doctorCommand,
  },
  {
    name: "plan",
    summary: "show how long a load takes on a stack, and what it costs",
    load: async () => (await import("./plan/plan.ts")).planCommand,
  },
  {
    name: "preview",
    summary: "show what a deployment would create, without an AWS account",
    load: async () => (await import("./deployment/preview.ts")).previewCommand,
  },
  {
    name: "rehearse",
    summary: "take a change through the stages of the pipeline on this machine",
    load: async () => (await import("./rehearsal/rehearse.ts")).rehearseCommand,
  },
  {
    name: "pipeline",
    summary: "run a step of a workflow",
    load: async () => (await import("./pipeline/steps.ts")).pipelineCommand,
  },
];
