#!/usr/bin/env bash
# Runs every fuzz target for a while, one after the other, also behind one that failed; scripts/fuzz.sh 10s oauth server runs
# those of two folders. What it finds lies in testdata/fuzz then: commit it with the mending. GOMAXPROCS=1 takes one processor.
set -euo pipefail
cd "$(dirname "$0")/.."
long=${1:?how long each target runs, as in 30s}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kept=$(go env GOCACHE)/fuzz
failed=()
if [ $# -eq 0 ]; then
	mapfile -t folders < <(grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | xargs -n 1 dirname | sort -u)
	set -- "${folders[@]}"
fi

# run tries one target from its own folder, as the program of its tests, which is built once for all of them.
run() {
	(cd "$1" && "$work/test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$long" -test.fuzzcachedir "$kept/$3") >"$work/log" 2>&1
}

for folder; do
	package=$(cd "$folder" && go list .) # its own module decides
	(cd "$folder" && go test -c -fuzz=Fuzz -o "$work/test" .)
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' "$folder"/*_test.go | sort); do
		printf '%s %s: ' "$folder" "$name"
		# At the end of its time it may say no more than this: https://go.dev/issue/75804.
		if run "$folder" "$name" "$package" || { ! grep -q 'Failing input' "$work/log" && grep -q '^ *context deadline exceeded$' "$work/log"; }; then
			grep -o 'execs: .*' "$work/log" | tail -n 1 || echo "no more than its corpus"
			continue
		fi
		echo failed
		cat "$work/log"
		failed+=("$folder $name")
	done
done
if [ ${#failed[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}"
	exit 1
fi
