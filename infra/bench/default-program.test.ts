/** Tests the conversion of the program's sources into those of Pulumi's template. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { asTemplate } from "./default-program.ts";

describe("the program in the form of Pulumi's template", () => {
  it("imports the whole of @pulumi/aws once and uses its modules and types under their names", () => {
    const source = `import * as s3 from "@pulumi/aws/s3/index.js";
import type { PolicyDocument, PolicyStatement } from "@pulumi/aws/iam/index.js";
import { getRegionOutput } from "@pulumi/aws/getRegion.js";
import * as pulumi from "@pulumi/pulumi";
`;
    assert.equal(
      asTemplate(source),
      `import * as aws from "@pulumi/aws";
import s3 = aws.s3;
import PolicyDocument = aws.iam.PolicyDocument;
import PolicyStatement = aws.iam.PolicyStatement;
import getRegionOutput = aws.getRegionOutput;
import * as pulumi from "@pulumi/pulumi";
`,
    );
  });

  it("imports its own files as CommonJS modules", () => {
    assert.equal(
      asTemplate('import { a } from "./a.ts";\nconst folder = import.meta.dirname;\n'),
      'import { a } from "./a";\nconst folder = __dirname;\n',
    );
  });

  it("keeps the source maps of its stack traces", () => {
    assert.equal(asTemplate('import "./native-stack-traces.ts";\nrun();\n'), "run();\n");
  });
});
