#!/usr/bin/env bash
# Brings what the tests run for real: redis-server, a Chromium, a C compiler for the race detector, strace for the order of
# system calls, on Debian the gateways of docs/gateways.md, and by npm axe-core, for the accessibility of pages, and the server
# of others that protect is tried with. What is missing is installed where that needs no password; otherwise one line says
# what to install.
set -euo pipefail

tests=$(cd "$(dirname "$0")/../test" && pwd)
shell=chromium-headless-shell # Chromium's engine without its windows, with which test/browser takes half the work
by_npm=(browser foreign) # folders with a package-lock.json, in which stand the versions and their digests

has() { command -v "$1" >/dev/null 2>&1; }
has_package() { [[ -n $(apt-cache show "$1" 2>/dev/null) ]]; }

# The names that test/browser looks for.
has_browser() {
	local name
	for name in $shell headless_shell headless-shell chrome-headless-shell chromium chromium-browser google-chrome google-chrome-stable chrome; do
		if has "$name"; then return 0; fi
	done
	[[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]]
}

# Prints what is not there, in words that the installers below translate.
missing() {
	has redis-server || echo redis
	has_browser || echo chromium
	has "${CC:-gcc}" || has clang || echo gcc
	[[ $(uname -s) != Linux ]] || has strace || echo strace
	[[ ! -e /etc/debian_version ]] || missing_gateways
	has npm || all_brought || echo npm
	has node || echo nodejs
}

# Elsewhere their tests are skipped: mod_oauth2 is packaged by Debian and its like alone.
missing_gateways() {
	has nginx || echo nginx-light
	has caddy || echo caddy
	[[ -e /usr/lib/apache2/modules/mod_oauth2.so ]] || echo libapache2-mod-oauth2
}

install_apt() {
	local word packages=()
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	for word in "$@"; do
		case $word in
		redis) packages+=(redis-server) ;;
		chromium) if has_package $shell; then packages+=($shell); else packages+=(chromium); fi ;;
		gcc) packages+=(gcc libc6-dev) ;;
		*) packages+=("$word") ;;
		esac
	done
	apt-get install -q -y --no-install-recommends "${packages[@]}"
}

install_dnf() {
	local word
	for word in "$@"; do
		dnf install -q -y "$word" || [[ $word != redis ]] || dnf install -q -y valkey-compat-redis # newer Fedoras
	done
}

install_brew() {
	local word
	for word in "$@"; do
		case $word in
		redis) brew install --quiet redis ;;
		chromium) brew install --quiet --cask google-chrome ;;
		gcc) xcode-select --install ;;
		npm | nodejs) brew install --quiet node ;;
		esac
	done
}

# Prints the way to install here, nothing where there is none.
installer() {
	if [[ $(id -u) -ne 0 ]]; then
		if has brew; then echo brew; fi
	elif has apt-get; then
		echo apt
	elif has dnf; then
		echo dnf
	fi
}

main() {
	local absent how
	absent=$(missing | xargs)
	if [[ -z $absent ]]; then return; fi

	how=$(installer)
	if [[ -n $how ]]; then
		echo "the tests need $absent: installing with $how"
		# shellcheck disable=SC2086 # these are words
		"install_$how" $absent >&2 || true # what counts is what is there afterwards
		absent=$(missing | xargs)
	fi
	if [[ -n $absent ]]; then
		echo "the tests need $absent: install it (on Debian, of: redis-server chromium gcc libc6-dev strace nginx-light caddy libapache2-mod-oauth2 npm nodejs) and run make test again" >&2
		exit 1
	fi
}

is_brought() { cmp -s "$tests/$1/package-lock.json" "$tests/$1/node_modules/.for-lock"; }

all_brought() {
	local folder
	for folder in "${by_npm[@]}"; do is_brought "$folder" || return 1; done
}

bring_by_npm() {
	local folder
	for folder in "${by_npm[@]}"; do
		if is_brought "$folder"; then continue; fi
		npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$tests/$folder"
		cp "$tests/$folder/package-lock.json" "$tests/$folder/node_modules/.for-lock"
	done
}

# Where the whole browser is there or nothing else is packaged, that does.
bring_shell() {
	if has $shell || [[ $(installer) != apt ]]; then return; fi
	if has_package $shell; then install_apt $shell >&2 || true; fi
}

main
bring_shell
bring_by_npm
