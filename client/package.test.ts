import assert from "node:assert/strict";
import { describe, it } from "mocha";
import rootPackage from "../package.json" with { type: "json" };
import clientPackage from "./package.json" with { type: "json" };

describe("the client's package", () => {
  it("has the version of the repository, and its versions of the dependencies", () => {
    const versions: Readonly<Record<string, string>> = rootPackage.dependencies;
    for (const [name, version] of Object.entries(clientPackage.dependencies))
      assert.equal(version, versions[name], name);
    assert.equal(clientPackage.version, rootPackage.version);
  });
});
