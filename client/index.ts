/** The client library's public face. */
export { readCapacity, readTimings, waitForInstances } from "./capacity.ts";
export type { Capacity, Timings } from "./capacity.ts";
export { explain, isAbort, isSetupProblem, ServiceAnswerError, SetupError } from "./errors.ts";
export { parseS3Uri } from "./location.ts";
export type { ObjectPlace } from "./location.ts";
export { checkOutputs, readOutputs } from "./outputs.ts";
export type { OutputsSource, StackOutputs } from "./outputs.ts";
export type { PollOptions, PollProgress } from "./poll.ts";
export { fetchResult, summarize } from "./result.ts";
export type { Detection, ResultSummary, VideoResult } from "./result.ts";
export { connect, openStack } from "./stack.ts";
export type { ClientConfig, Stack } from "./stack.ts";
export { invoke, jobSchema } from "./submit.ts";
export type { Invocation, Job } from "./submit.ts";
export { contentTypeOf, MAX_INPUT_BYTES, uploadVideo } from "./upload.ts";
export type { UploadedVideo, UploadOptions, UploadProgress } from "./upload.ts";
export { checkJob, deadlineOf, waitForJob } from "./wait.ts";
export type { JobState } from "./wait.ts";
