/** The policy pack. Making it starts its server, so the policies are in modules of their own. */
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./pack.ts";

new PolicyPack("async-video-inference", { policies });
