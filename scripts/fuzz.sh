#!/usr/bin/env bash
# Runs every fuzz target for a while, one after the other. What it finds go test keeps in testdata/fuzz: commit it with the mending.
set -euo pipefail
cd "$(dirname "$0")/.."
while IFS=: read -r file line; do
	name=${line#func } name=${name%%(*}
	printf '%s %s\n' "$(dirname "$file")" "$name"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "$(dirname "$file")"
done < <(grep -r --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | sort)
