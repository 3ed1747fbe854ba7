/** Sets a test key pair for AWS SDKs, so that no unit test uses a developer's credentials. Mocha loads this file first. */
for (const name of ["AWS_PROFILE", "AWS_SESSION_TOKEN"]) Reflect.deleteProperty(process.env, name);
Object.assign(process.env, {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_EC2_METADATA_DISABLED: "true",
});
