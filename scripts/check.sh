#!/usr/bin/env bash
# Everything that is known to be wrong without running the program. What only the network can answer is skipped, and said
# to be, where there is no network: somebody else's outage, or a train, must not stop the work.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/bin/tools

check_format() {
	local files
	files=$(find . -name '*.go' -not -path './.git/*' -not -path './bin/*' -print0 | xargs -0 gofmt -l)
	if [[ -n $files ]]; then
		printf 'gofmt: not formatted, run gofmt -w on\n%s\n' "$files" >&2
		return 1
	fi
}

# The tools are pinned in tools/go.mod, apart from the program's own modules.
bring_tools() {
	if ! go mod download -C tools >/dev/null 2>&1 && ! GOPROXY=off go list -C tools -deps tool >/dev/null 2>&1; then
		echo "staticcheck, govulncheck: skipped, they cannot be downloaded from $(go env GOPROXY)"
		return 1
	fi
	CGO_ENABLED=0 GOBIN=$tools go install -C tools tool || exit 1
}

check_vulnerabilities() {
	local output status=0
	output=$("$tools/govulncheck" ./... 2>&1) || status=$?
	if [[ $status -ne 0 && $output == *"fetching vulnerabilities"* ]]; then
		echo "govulncheck: skipped, its database ${GOVULNDB:-https://vuln.go.dev} cannot be reached"
		return
	fi
	echo "$output"
	return "$status"
}

modules=(. protect/grpcprotect test/load/peer)

check_format
for module in "${modules[@]}"; do (cd "$module" && go vet ./...); done
if bring_tools; then
	for module in "${modules[@]}"; do (cd "$module" && go mod tidy -diff && "$tools/staticcheck" ./...); done
	check_vulnerabilities
fi
