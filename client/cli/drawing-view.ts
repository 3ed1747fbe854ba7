/** One line about the videos that are being downloaded and drawn, by the names that the user gave them. */
import type { AnnotateProgress } from "./annotate.ts";
import type { Session } from "./session.ts";
import { plural } from "../src/format.ts";

/** Shows the videos that are being drawn, and how far the first one is. */
export class DrawingView {
  readonly #live: Pick<Session["live"], "show">;
  readonly #active = new Map<string, AnnotateProgress | undefined>();

  constructor({ live }: { readonly live: Pick<Session["live"], "show"> }) {
    this.#live = live;
  }

  /** Shows a video while `work` runs, which reports its progress. */
  async during<Result>(
    video: string,
    work: (onProgress: (progress: AnnotateProgress) => void) => Promise<Result>,
  ): Promise<Result> {
    this.#active.set(video, undefined);
    this.#show("new step");
    try {
      return await work((progress) => {
        this.#active.set(video, progress);
        this.#show("same step");
      });
    } finally {
      this.#active.delete(video);
      this.#show("new step");
    }
  }

  #show(step: "new step" | "same step"): void {
    const [first, ...others] = this.#active;
    if (first === undefined) return;
    const [video, progress] = first;
    const now = progress === undefined ? `drawing on ${video}` : `${progress.step} ${video} ${progress.percent} %`;
    this.#live.show(`${now}${others.length === 0 ? "" : ` and ${plural(others.length, "other video")}`}`, step);
  }
}
