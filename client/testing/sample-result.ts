/** For tests: a small result that matches the model's schema. */
import type { VideoResult } from "../src/result.ts";

/** Two frames with three detections, in the format of handlers before version 2 of the schema. */
export const sampleResult: VideoResult = {
  schema_version: 1,
  notice: "knows only generated shapes",
  model: { name: "maskrcnn", weights: "0".repeat(64) },
  video: { width: 640, height: 360, duration: 2, rotation: 0, codec: "h264" },
  sampling: { fps: 1, score_threshold: 0.5 },
  truncated: false,
  frames: [
    {
      index: 0,
      timestamp: 0,
      detections: [
        { label: "car", label_id: 3, score: 0.9, box: [1, 2, 30, 40] },
        { label: "person", label_id: 1, score: 0.8, box: [5, 6, 7, 8] },
      ],
    },
    { index: 30, timestamp: 1, detections: [{ label: "car", label_id: 3, score: 0.7, box: [2, 3, 31, 41] }] },
  ],
  timing: { decode_seconds: 0.1, inference_seconds: 0.2, total_seconds: 0.3 },
};

/** The same in version 2. */
export const secondResult: VideoResult = {
  ...sampleResult,
  schema_version: 2,
  handler: { version: "1.0.0", device: "cuda", driver: "550.163.01", cuda: "12.4", precision: "float16" },
  video: { ...sampleResult.video, track: 0, start: 0.08, transfer: "smpte2084" },
  truncated: true,
  truncation: { reason: "damage", until: 1.5 },
  damage: { packets: 2, gaps: [{ from: 1.52, to: 2 }] },
  frames: sampleResult.frames.map((frame) => ({ ...frame, sampled: "exact" })),
};

/** The same in version 3, as the part of a video. */
export const currentResult: VideoResult = {
  ...secondResult,
  schema_version: 3,
  part: { from: 0, to: 300 },
  video: { ...secondResult.video, time_base: "1/15360" },
  frames: secondResult.frames.map((frame, k) => ({ ...frame, k, pts: k * 15_360 })),
};
