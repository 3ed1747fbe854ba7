/** Memory of SageMaker's GPU instances. */

/** The memory of an instance type. */
export interface InstanceMemory {
  /** Host memory, GiB. */
  readonly host: number;
  readonly gpus: number;
  /** Memory of each GPU, GiB. */
  readonly gpu: number;
}

function types(
  family: string,
  gpu: number,
  sizes: Readonly<Record<string, readonly [host: number, gpus: number]>>,
): readonly (readonly [string, InstanceMemory])[] {
  return Object.entries(sizes).map(([size, [host, gpus]]) => [`ml.${family}.${size}`, { host, gpus, gpu }] as const);
}

const g5Sizes = {
  xlarge: [16, 1],
  "2xlarge": [32, 1],
  "4xlarge": [64, 1],
  "8xlarge": [128, 1],
  "12xlarge": [192, 4],
  "16xlarge": [256, 1],
  "24xlarge": [384, 4],
  "48xlarge": [768, 8],
} as const;

/**
 * The types in {@link hourlyPrices}. (AWS Batch user guide, "Run GPU jobs", lists host and GPU memory of the EC2 types of
 * the same sizes; for p5.4xlarge, the EC2 page on accelerated computing.)
 */
export const instanceMemory: ReadonlyMap<string, InstanceMemory> = new Map([
  ...types("g4dn", 16, {
    xlarge: [16, 1],
    "2xlarge": [32, 1],
    "4xlarge": [64, 1],
    "8xlarge": [128, 1],
    "12xlarge": [192, 4],
    "16xlarge": [256, 1],
  }),
  ...types("g5", 24, g5Sizes),
  ...types("g6", 24, g5Sizes),
  ...types("g6e", 48, {
    xlarge: [32, 1],
    "2xlarge": [64, 1],
    "4xlarge": [128, 1],
    "8xlarge": [256, 1],
    "12xlarge": [384, 4],
    "16xlarge": [512, 1],
    "24xlarge": [768, 4],
    "48xlarge": [1536, 8],
  }),
  ...types("p4d", 40, { "24xlarge": [1152, 8] }),
  ...types("p5", 80, { "4xlarge": [256, 1], "48xlarge": [2048, 8] }),
]);
