/** Outputs of a stack without a deployment. */
import type { StackOutputs } from "../src/outputs.ts";

/** Returns the outputs of a stack on a server that tests or benchmarks have started. */
export function outputsAt(url: string): StackOutputs {
  return {
    endpointName: "video",
    variantName: "main",
    region: "us-east-1",
    awsEndpointUrl: url,
    inputBucket: "in",
    inputPrefix: "videos/",
    sourceLocations: ["s3://source/clips/"],
    outputLocation: "s3://out/results/",
    failureLocation: "s3://out/failures/",
    jobsLocation: "s3://out/jobs",
    successTopicArn: "arn:aws:sns:us-east-1:000000000000:success",
    errorTopicArn: "arn:aws:sns:us-east-1:000000000000:error",
    successQueueUrl: `${url}/000000000000/success`,
    errorQueueUrl: `${url}/000000000000/error`,
    maxConcurrency: 2,
    instanceType: "ml.g4dn.xlarge",
    maxCapacity: 5,
    maxResponseSize: 1,
    requests: "payload",
    maxRequestSize: 1024,
    maxInputSize: 51_200_000,
    invocationTimeout: 900,
    sampleFps: 1,
    temporaryQueuePrefix: "video-dev-smoke-",
  };
}
