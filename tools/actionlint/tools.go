//go:build tools

// Package tools pins the linter for GitHub workflows, which setup builds from source if it cannot download a release.
package tools

import _ "github.com/rhysd/actionlint/cmd/actionlint"
