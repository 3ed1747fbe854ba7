/** Tests the policy on the network of models whose requests refer to videos in S3. */
import { referenceNeedsS3 } from "./reference-requests.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownString } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const environment = { ALLOWED_SOURCES: "s3://videos/input/" };
const vpcConfig = { subnets: ["subnet-1"], securityGroupIds: ["sg-1"] };
const inVpc: TestResource = {
  type: "aws:sagemaker/model:Model",
  name: "videos-model",
  props: {
    primaryContainer: { image: "i", environment },
    enableNetworkIsolation: false,
    vpcConfig,
    tags: { "s3-endpoint": "true" },
  },
};
const payload = { primaryContainer: { image: "i", environment: { SAMPLE_FPS: "1" } } };

policyTests(referenceNeedsS3, {
  good: inVpc,
  passes: {
    "a container in AWS's own network": withProps(inVpc, { vpcConfig: undefined, tags: undefined }),
    "an isolated container whose requests contain their videos": withProps(inVpc, {
      ...payload,
      enableNetworkIsolation: true,
    }),
    "a container in a VPC without the tag whose requests contain their videos": withProps(inVpc, {
      ...payload,
      tags: undefined,
    }),
    "a container without an environment": withProps(inVpc, { primaryContainer: { image: "i" }, tags: undefined }),
  },
  refuses: {
    "an isolated container": [
      withProps(inVpc, { enableNetworkIsolation: true }),
      /'videos-model' reads videos from S3, but its container has no network\. Set enableNetworkIsolation to false \(.*\), or remove primaryContainer\.environment\.ALLOWED_SOURCES \(.* requests: payload\)/,
    ],
    "a VPC without the tag": [
      withProps(inVpc, { tags: undefined }),
      /'videos-model' .* nothing shows that its subnets reach it\. .* set tags\.s3-endpoint to "true" \(.* s3Endpoint\)/,
    ],
    "a VPC whose tag has another value": [withProps(inVpc, { tags: { "s3-endpoint": "false" } }), /tags\.s3-endpoint/],
    "one of several containers": [
      withProps(inVpc, {
        primaryContainer: undefined,
        containers: [{ image: "i" }, { image: "j", environment }],
        enableNetworkIsolation: true,
      }),
      /remove containers\[1\]\.environment\.ALLOWED_SOURCES/,
    ],
  },
  unknown: withProps(inVpc, { enableNetworkIsolation: unknownString }),
  stricter: { tag: "s3" },
});
