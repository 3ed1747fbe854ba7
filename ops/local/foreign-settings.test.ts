import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { removeForeignSettings } from "./foreign-settings.ts";

describe("settings of the user's AWS and Pulumi", () => {
  it("are removed: a profile, a session's token, endpoints of single services, and a file of settings", () => {
    const environment = {
      AWS_PROFILE: "prod",
      AWS_SESSION_TOKEN: "token",
      AWS_ENDPOINT_URL_S3: "https://s3.example",
      AWS_ENDPOINT_URL: "http://127.0.0.1:4566",
      AWS_REGION: "us-east-1",
      PULUMI_OPTION_CONFIG_FILE: "other.yaml",
      HOME: "/home/me",
    };
    assert.deepEqual(removeForeignSettings(environment), [
      "AWS_PROFILE",
      "AWS_SESSION_TOKEN",
      "AWS_ENDPOINT_URL_S3",
      "PULUMI_OPTION_CONFIG_FILE",
    ]);
    assert.deepEqual(Object.keys(environment), ["AWS_ENDPOINT_URL", "AWS_REGION", "HOME"]);
  });
});
