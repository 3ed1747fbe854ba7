/** All types that the provider implements, by token. */
import * as appautoscaling from "./appautoscaling.ts";
import * as cloudwatch from "./cloudwatch.ts";
import * as iam from "./iam.ts";
import * as kms from "./kms.ts";
import type { ResourceType } from "./resource.ts";
import { bucket } from "./s3.ts";
import { bucketObjectv2 } from "./s3-object.ts";
import * as s3Settings from "./s3-settings.ts";
import * as sagemaker from "./sagemaker.ts";
import * as sns from "./sns.ts";
import * as sqs from "./sqs.ts";

/** Modules that export nothing but types. */
const modules = [appautoscaling, cloudwatch, iam, kms, s3Settings, sagemaker, sns, sqs];
const all: readonly ResourceType[] = [bucket, bucketObjectv2, ...modules.flatMap((types) => Object.values(types))];

const types = new Map(all.map((type) => [type.token, type]));

/** Returns the type with this token, if the provider implements it. */
export const findType = (token: string): ResourceType | undefined => types.get(token);

/** Returns all tokens, sorted. */
export const tokens: readonly string[] = [...types.keys()].sort();
