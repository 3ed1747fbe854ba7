/** Messages between the thread that reads a video's container and the one that has its bytes. */

/** Message of the thread that reads the container. All times are seconds from the first shown frame. */
export type ProbeMessage =
  /** Requests the bytes `from` to `to`, exclusive. */
  | { readonly kind: "read"; readonly id: number; readonly from: number; readonly to: number }
  | { readonly kind: "duration"; readonly seconds: number }
  /** For each requested time, in their order, the last keyframe that is not later. */
  | { readonly kind: "keyframes"; readonly times: readonly number[] }
  /** The container has no video track, or it cannot be read. */
  | { readonly kind: "failed"; readonly problem: string };

/** Answer to the thread that reads the container. */
export type ProbeAnswer =
  | { readonly kind: "bytes"; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Times for which keyframes are requested, seconds from the first shown frame. */
  | { readonly kind: "times"; readonly times: readonly number[] };
