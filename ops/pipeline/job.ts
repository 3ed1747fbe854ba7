/** The job that a step runs in. */

/** The job's output streams, and the variables that GitHub and the workflow set. */
export interface Job {
  readonly environment: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}
