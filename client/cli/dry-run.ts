/** Prints the videos that a command would send. */
import type { Session } from "./session.ts";
import { describePrice } from "./price.ts";
import type { EstimatedJobs } from "./price.ts";
import { nounOf, videosText } from "./request-counts.ts";
import type { CountedRequest } from "./request-counts.ts";
import { isS3 } from "../src/submit-all.ts";
import { plural, sizeOf } from "../src/format.ts";
import type { Part } from "../src/parts/cut-times.ts";
import { rangesText } from "../src/parts/ranges.ts";

/** A video that would be sent; its size is unknown if it cannot be read. */
export interface DryVideo {
  /** A file's path, or an object's s3:// URI. */
  readonly video: string;
  readonly bytes: number | undefined;
  /** Parts of a video that would be sent in parts; empty for one request. @default none */
  readonly parts?: readonly Part[];
}

/** Prints the videos, their sizes and parts, and the price of their jobs; sends nothing. */
export function printDryRun(
  videos: readonly DryVideo[],
  estimated: EstimatedJobs,
  { stack, print }: Pick<Session, "stack" | "print">,
): void {
  const uploads = videos.filter(({ video }) => !isS3(video));
  const uploadBytes = sum(uploads);
  const storedBytes = sum(videos.filter(({ video }) => isS3(video)));
  const all = videos.flatMap(({ parts = [] }, index): readonly CountedRequest[] =>
    parts.length === 0 ? [{}] : parts.map(() => ({ part: { job: String(index) } })),
  );
  // A burst sends one video many times.
  const requests = estimated.jobs + all.length - videos.length;
  const price = describePrice(stack.outputs, { ...estimated, jobs: requests, noun: nounOf(all) });
  const sent = nounOf(all) === "job" ? plural(estimated.jobs, "job") : videosText(all);
  print(
    [
      ...videos.map(({ video, bytes, parts = [] }) => {
        const inParts = parts.length === 0 ? "" : `, in ${plural(parts.length, "part")}: ${rangesText(parts)}`;
        return `${video}: ${bytes === undefined ? "size unknown" : sizeOf(bytes)}${inParts}`;
      }),
      `nothing was sent; ${sent} would be`,
      `upload: at most ${sizeOf(uploadBytes)} in ${plural(uploads.length, "file")} (content that S3 has already is not uploaded again)`,
      ...(storedBytes === 0 ? [] : [`in S3 already: ${sizeOf(storedBytes)}`]),
      `price: ${price}`,
    ],
    { dryRun: true, jobs: estimated.jobs, requests, uploadBytes, storedBytes, price, videos },
  );
}

function sum(videos: readonly DryVideo[]): number {
  return videos.reduce((total, { bytes = 0 }) => total + bytes, 0);
}
