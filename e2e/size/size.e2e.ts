/** Tests a video of 3 GB: `npm run test:size`. It needs much memory, because the emulator keeps objects in memory. */
import { largeVideoTests } from "../testing/large-video.ts";

largeVideoTests(3072, 12);
