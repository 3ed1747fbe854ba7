/** For tests: a small result that fits the model's schema. */
import type { VideoResult } from "../result.ts";

/** Two frames with three detections. */
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
