package main

import (
	"runtime/debug"
	"slices"
	"strings"
)

// collectAt lets the heap grow to five times what lives in it, rather than twice, before garbage is collected. What lives
// is small and each request leaves its garbage: tens of megabytes buy a tenth of the processor's time. Where memory is
// tight, GOMEMLIMIT bounds it, and GOGC decides instead.
const collectAt = 400

// relaxCollector applies collectAt, unless GOGC says otherwise.
func relaxCollector(environ []string) {
	if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOGC=") }) {
		debug.SetGCPercent(collectAt)
	}
}
