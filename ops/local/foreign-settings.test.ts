import assert from "node:assert/strict";
import { foreignSettings } from "./foreign-settings.ts";

describe("settings of the user's AWS", () => {
  it("are a profile, a session's token, and endpoints of single services", () => {
    const environment = {
      AWS_PROFILE: "prod",
      AWS_SESSION_TOKEN: "token",
      AWS_ENDPOINT_URL_S3: "https://s3.example",
      AWS_ENDPOINT_URL: "http://127.0.0.1:4566",
      AWS_REGION: "us-east-1",
      HOME: "/home/me",
    };
    assert.deepEqual(foreignSettings(environment), ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"]);
  });
});
