//go:build tools

// Package tools pins the vulnerability scanner, which is built from source.
package tools

import _ "github.com/google/osv-scanner/v2/cmd/osv-scanner"
