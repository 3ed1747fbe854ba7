//go:build tools

// Package tools pins the Pulumi CLI, which setup builds from source if it cannot download a release.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
