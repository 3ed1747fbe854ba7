/** Starts the policy pack. Creating the pack starts its server, so the policies are in separate modules. */
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./pack.ts";

new PolicyPack("async-video-inference", { policies });
