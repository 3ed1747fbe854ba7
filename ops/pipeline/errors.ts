/** Errors of the workflows' steps, with messages for the readers of their logs. */

/** A step cannot be done, or refuses to run. The message contains the reason and the remedy. */
export class PipelineError extends Error {
  override readonly name: string = "PipelineError";
}

/** A step was called incorrectly: the command line, or its environment variables. */
export class UsageError extends PipelineError {
  override readonly name = "UsageError";
}
