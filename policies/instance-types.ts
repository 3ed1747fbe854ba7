/** Prices and memory of SageMaker's GPU instances. */

/** Date of the prices. */
export const pricesAsOf = "2026-11-22";

/** Region of the prices. Others differ (eu-west-1 by a factor of about 1.1). */
export const pricesRegion = "us-east-1";

/** Price and memory of an instance type. */
export interface InstanceType {
  /** USD for an hour of real-time or asynchronous hosting, on demand (AWS Price List). */
  readonly price: number;
  /** Host memory, GiB. */
  readonly host: number;
  readonly gpus: number;
  /** Memory of each GPU, GiB. */
  readonly gpu: number;
}

/**
 * The instance types by name. (AWS Batch user guide, "Run GPU jobs", lists host and GPU memory of the EC2 types of the same sizes;
 * for p5.4xlarge, the EC2 page on accelerated computing.)
 */
export const instanceTypes: ReadonlyMap<string, InstanceType> = new Map(
  Object.entries({
    "ml.g4dn.xlarge": { price: 0.7364, host: 16, gpus: 1, gpu: 16 },
    "ml.g4dn.2xlarge": { price: 0.94, host: 32, gpus: 1, gpu: 16 },
    "ml.g4dn.4xlarge": { price: 1.505, host: 64, gpus: 1, gpu: 16 },
    "ml.g4dn.8xlarge": { price: 2.72, host: 128, gpus: 1, gpu: 16 },
    "ml.g4dn.12xlarge": { price: 4.89, host: 192, gpus: 4, gpu: 16 },
    "ml.g4dn.16xlarge": { price: 5.44, host: 256, gpus: 1, gpu: 16 },
    "ml.g5.xlarge": { price: 1.408, host: 16, gpus: 1, gpu: 24 },
    "ml.g5.2xlarge": { price: 1.515, host: 32, gpus: 1, gpu: 24 },
    "ml.g5.4xlarge": { price: 2.03, host: 64, gpus: 1, gpu: 24 },
    "ml.g5.8xlarge": { price: 3.06, host: 128, gpus: 1, gpu: 24 },
    "ml.g5.12xlarge": { price: 7.09, host: 192, gpus: 4, gpu: 24 },
    "ml.g5.16xlarge": { price: 5.12, host: 256, gpus: 1, gpu: 24 },
    "ml.g5.24xlarge": { price: 10.18, host: 384, gpus: 4, gpu: 24 },
    "ml.g5.48xlarge": { price: 20.36, host: 768, gpus: 8, gpu: 24 },
    "ml.g6.xlarge": { price: 1.127, host: 16, gpus: 1, gpu: 24 },
    "ml.g6.2xlarge": { price: 1.222, host: 32, gpus: 1, gpu: 24 },
    "ml.g6.4xlarge": { price: 1.654, host: 64, gpus: 1, gpu: 24 },
    "ml.g6.8xlarge": { price: 2.518, host: 128, gpus: 1, gpu: 24 },
    "ml.g6.12xlarge": { price: 5.752, host: 192, gpus: 4, gpu: 24 },
    "ml.g6.16xlarge": { price: 4.246, host: 256, gpus: 1, gpu: 24 },
    "ml.g6.24xlarge": { price: 8.344, host: 384, gpus: 4, gpu: 24 },
    "ml.g6.48xlarge": { price: 16.688, host: 768, gpus: 8, gpu: 24 },
    "ml.g6e.xlarge": { price: 2.61, host: 32, gpus: 1, gpu: 48 },
    "ml.g6e.2xlarge": { price: 2.8026, host: 64, gpus: 1, gpu: 48 },
    "ml.g6e.4xlarge": { price: 3.76, host: 128, gpus: 1, gpu: 48 },
    "ml.g6e.8xlarge": { price: 5.66, host: 256, gpus: 1, gpu: 48 },
    "ml.g6e.12xlarge": { price: 13.12, host: 384, gpus: 4, gpu: 48 },
    "ml.g6e.16xlarge": { price: 9.47, host: 512, gpus: 1, gpu: 48 },
    "ml.g6e.24xlarge": { price: 18.83, host: 768, gpus: 4, gpu: 48 },
    "ml.g6e.48xlarge": { price: 37.66, host: 1536, gpus: 8, gpu: 48 },
    "ml.p4d.24xlarge": { price: 25.2513, host: 1152, gpus: 8, gpu: 40 },
    "ml.p5.4xlarge": { price: 7.912, host: 256, gpus: 1, gpu: 80 },
    "ml.p5.48xlarge": { price: 63.296, host: 2048, gpus: 8, gpu: 80 },
  }),
);
