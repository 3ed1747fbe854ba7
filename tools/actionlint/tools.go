//go:build tools

// Package tools pins the linter of GitHub workflows that is built from source where no release can be downloaded.
package tools

import _ "github.com/rhysd/actionlint/cmd/actionlint"
