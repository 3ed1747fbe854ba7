/** Tests a video that is larger than SageMaker's limit of a payload. */
import { largeVideoTests } from "../testing/large-video.ts";

largeVideoTests(1536, 8);
