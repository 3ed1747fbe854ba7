/** Concurrency groups: who holds one, and who waits for it. */
import type { Concurrency } from "./workflow.ts";

/** It was cancelled while it waited, because a newer one took its place. */
export class Replaced extends Error {
  override readonly name = "Replaced";
}

interface Waiting {
  readonly take: () => void;
  readonly replace: () => void;
}

interface Group {
  /** Cancels the one that holds it. */
  cancelHolder: () => void;
  /** First come, first served. */
  readonly waiting: Waiting[];
}

/** Gives the group back. */
export type Release = () => void;

/** All groups of a repository. */
export class ConcurrencyGroups {
  readonly #groups = new Map<string, Group>();

  /**
   * Takes a group, at once if it is free.
   * @param cancel ends the one that takes it now, if a later one asks for that
   * @throws Replaced if a later one takes its place in the queue: without `queue: max`, a group has one place
   */
  async take(
    name: string,
    options: Pick<Concurrency, "cancel-in-progress" | "queue">,
    cancel: () => void,
  ): Promise<Release> {
    const group = this.#groups.get(name);
    if (group === undefined) {
      this.#groups.set(name, { cancelHolder: cancel, waiting: [] });
      return () => {
        this.#release(name);
      };
    }
    const cancels = String(options["cancel-in-progress"]) === "true";
    if (cancels) group.cancelHolder();
    if (options.queue !== "max") for (const each of group.waiting.splice(0)) each.replace();
    await new Promise<void>((resolve, reject) => {
      group.waiting.push({
        take: () => {
          group.cancelHolder = cancel;
          resolve();
        },
        replace: () => {
          reject(new Replaced(`replaced by a newer one in the group ${name}`));
        },
      });
    });
    return () => {
      this.#release(name);
    };
  }

  #release(name: string): void {
    const next = this.#groups.get(name)?.waiting.shift();
    if (next === undefined) this.#groups.delete(name);
    else next.take();
  }
}
