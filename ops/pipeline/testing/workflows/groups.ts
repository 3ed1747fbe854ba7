/** Concurrency groups with their holders and queues. */
import type { Concurrency } from "./workflow.ts";

/** A job or run was cancelled while it waited, because a newer one replaced it. */
export class Replaced extends Error {
  override readonly name = "Replaced";
}

interface Waiting {
  readonly take: () => void;
  readonly replace: () => void;
}

interface Group {
  /** Cancels the holder. */
  cancelHolder: () => void;
  /** Waiting ones in the order of their arrival. */
  readonly waiting: Waiting[];
}

/** Releases the group. */
export type Release = () => void;

/** All groups of a repository. */
export class ConcurrencyGroups {
  readonly #groups = new Map<string, Group>();

  /**
   * Acquires a group, at once if it is free.
   * @param cancel ends the new holder, if a later one requests that
   * @throws Replaced if a later one replaces it in the queue: without `queue: max`, a group has one place
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
