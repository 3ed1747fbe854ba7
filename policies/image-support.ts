/** Ends of AWS's support for the images of its Deep Learning Containers. */

/** Date of the table. */
export const supportAsOf = "2026-11-22";

/** Version of PyTorch in the image, and the last day of patches (AWS Deep Learning Containers, framework support policy). */
export const endOfPatch: Readonly<Record<string, string>> = {
  "2.0": "2024-03-15",
  "2.1": "2024-10-04",
  "2.2": "2025-01-30",
  "2.3": "2025-04-24",
  "2.4": "2025-07-24",
  "2.5": "2025-11-24",
  // Only for inference images: the last version with TorchServe.
  "2.6": "2026-06-30",
  "2.7": "2026-04-23",
  "2.8": "2026-08-06",
  "2.9": "2026-10-15",
  "2.10": "2027-01-21",
};
