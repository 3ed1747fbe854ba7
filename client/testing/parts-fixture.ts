/** A stack with requests by reference, and a video to send in parts. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { startCommandFixture } from "./command-fixture.ts";
import type { CommandFixture } from "./command-fixture.ts";

/** Twelve seconds with a keyframe every two. */
const street = join(import.meta.dirname, "..", "..", "model", "samples", "street.mp4");

/** Starts a fixture with the video in its folder, as `street.mp4`. */
export async function startPartsFixture(): Promise<CommandFixture> {
  const fixture = await startCommandFixture();
  fixture.aws.requestMode = "reference";
  await copyFile(street, fixture.path("street.mp4"));
  return fixture;
}
