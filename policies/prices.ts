/** Prices of SageMaker's GPU instances. */

/** Date of the prices. */
export const pricesAsOf = "2026-11-22";

/** Region of the prices. Others differ (eu-west-1 by a factor of about 1.1). */
export const pricesRegion = "us-east-1";

/** USD for an hour of real-time or asynchronous hosting, on demand (AWS Price List). */
export const hourlyPrices: Readonly<Record<string, number>> = {
  "ml.g4dn.xlarge": 0.7364,
  "ml.g4dn.2xlarge": 0.94,
  "ml.g4dn.4xlarge": 1.505,
  "ml.g4dn.8xlarge": 2.72,
  "ml.g4dn.12xlarge": 4.89,
  "ml.g4dn.16xlarge": 5.44,
  "ml.g5.xlarge": 1.408,
  "ml.g5.2xlarge": 1.515,
  "ml.g5.4xlarge": 2.03,
  "ml.g5.8xlarge": 3.06,
  "ml.g5.12xlarge": 7.09,
  "ml.g5.16xlarge": 5.12,
  "ml.g5.24xlarge": 10.18,
  "ml.g5.48xlarge": 20.36,
  "ml.g6.xlarge": 1.127,
  "ml.g6.2xlarge": 1.222,
  "ml.g6.4xlarge": 1.654,
  "ml.g6.8xlarge": 2.518,
  "ml.g6.12xlarge": 5.752,
  "ml.g6.16xlarge": 4.246,
  "ml.g6.24xlarge": 8.344,
  "ml.g6.48xlarge": 16.688,
  "ml.g6e.xlarge": 2.61,
  "ml.g6e.2xlarge": 2.8026,
  "ml.g6e.4xlarge": 3.76,
  "ml.g6e.8xlarge": 5.66,
  "ml.g6e.12xlarge": 13.12,
  "ml.g6e.16xlarge": 9.47,
  "ml.g6e.24xlarge": 18.83,
  "ml.g6e.48xlarge": 37.66,
  "ml.p4d.24xlarge": 25.2513,
  "ml.p5.4xlarge": 7.912,
  "ml.p5.48xlarge": 63.296,
};
