/** Tries a call again while AWS refuses it for a reason that passes. */
import type { Scope } from "./resource.ts";

/**
 * What `call` answers in the end. It is tried again for `patience` (ms) while `passes` says of its error that it may pass;
 * then, or for any other error, the error is thrown.
 */
export async function retry<T>(
  scope: Scope,
  passes: (error: unknown) => boolean,
  call: () => Promise<T>,
  patience: number = scope.patience,
): Promise<T> {
  const start = performance.now();
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const seconds = Math.round((patience - (performance.now() - start)) / 1_000);
      if (!passes(error) || seconds <= 0) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      scope.progress(
        `trying again for up to ${seconds} s, because a new role is not known everywhere at once: ${reason}`,
      );
      await scope.pause();
    }
  }
}
