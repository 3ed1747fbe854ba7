/** The job that a step runs in. */
import type { Terminal } from "../../lib/command-line.ts";

/** The job's output streams, and the variables that GitHub and the workflow set. */
export type Job = Pick<Terminal, "environment" | "stdout" | "stderr">;
