/** AWS accounts whose registries contain the deep learning images. */

/** The account of most regions. */
const common = "763104351884";

/** Account numbers by region (AWS, "Available Deep Learning Containers images"; the same as in `getPrebuiltEcrImage` of terraform-provider-aws). */
export const deepLearningAccounts: Readonly<Record<string, string>> = {
  "af-south-1": "626614931356",
  "ap-east-1": "871362719292",
  "ap-northeast-1": common,
  "ap-northeast-2": common,
  "ap-northeast-3": "364406365360",
  "ap-south-1": common,
  "ap-south-2": "772153158452",
  "ap-southeast-1": common,
  "ap-southeast-2": common,
  "ap-southeast-3": "907027046896",
  "ap-southeast-4": "457447274322",
  "ca-central-1": common,
  "ca-west-1": "204538143572",
  "cn-north-1": "727897471807",
  "cn-northwest-1": "727897471807",
  "eu-central-1": common,
  "eu-central-2": "380420809688",
  "eu-north-1": common,
  "eu-south-1": "692866216735",
  "eu-south-2": "503227376785",
  "eu-west-1": common,
  "eu-west-2": common,
  "eu-west-3": common,
  "il-central-1": "780543022126",
  "me-central-1": "914824155844",
  "me-south-1": "217643126080",
  "sa-east-1": common,
  "us-east-1": common,
  "us-east-2": common,
  "us-gov-east-1": "446045086412",
  "us-gov-west-1": "442386744353",
  "us-west-1": common,
  "us-west-2": common,
};
