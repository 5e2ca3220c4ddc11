# What a developer does here. `make` alone lists it.

SHELL   := bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
SEED    ?= examples/demo-seed.yaml

.DEFAULT_GOAL := help
.PHONY: help run build test soak check fuzz bench screenshots clean

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Pure Go: this works where there is nothing but Go. ARGS="--store redis://..." adds flags.
run: build ## start the server with demo data on http://localhost:8080
	@exec bin/grantor serve --seed $(SEED) --log-format text $(ARGS)

build: ## build bin/grantor
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/grantor ./cmd/grantor

# -count=1: the tests of the whole program run it, which the cache of test results does not see. It is built once for all.
# The race detector needs cgo. GRANTOR_TEST_REQUIRE turns a skipped test into a failed one. PKG=./oauth/... narrows it.
# Packages are tested in the order in which they are named, one more at once than there are processors, as some wait for
# Redis and for disks: what takes longest begins first, and the rest fills in. What vet has to say, make check says.
PKG     ?= ./...
LONGEST := ./test/browser ./test/e2e ./store/redis ./test/chaos
BESIDES := $(if $(filter ./...,$(PKG)),$(LONGEST))
ATONCE  := $$(($$(getconf _NPROCESSORS_ONLN) + 1))
test: ## run every test under the race detector, on a real Redis and a real browser
	@scripts/test-deps.sh
	CGO_ENABLED=1 go build -race -o bin/test/grantor ./cmd/grantor
	CGO_ENABLED=1 GRANTOR_TEST_REQUIRE=1 GRANTOR_TEST_PROGRAM=$(CURDIR)/bin/test/grantor \
		go test -race -count=1 -vet=off -timeout 15m -p $(ATONCE) $(BESIDES) $(PKG)
	cd protect/grpcprotect && CGO_ENABLED=1 go test -race -count=1 ./...

# bolt and Redis, each with grace for used refresh tokens and without, and faults of Redis, two at once; then rolling restarts.
# DURATION is for each.
DURATION ?= 10m
soak: ## kill server and Redis again and again under load, and hold against them what they acknowledged; DURATION=1h for longer
	@scripts/test-deps.sh
	GRANTOR_TEST_REQUIRE=1 GRANTOR_SOAK=$(DURATION) go test -count=1 -v -parallel 2 -timeout 0 ./test/chaos
	GRANTOR_TEST_REQUIRE=1 GRANTOR_SOAK=$(DURATION) go test -count=1 -v -timeout 0 -run Rolling ./test/deploy

check: ## format, vet, static analysis, known vulnerabilities
	@scripts/check.sh

FUZZTIME ?= 30s
fuzz: ## look for input that breaks a parser; each target for FUZZTIME=30s
	@scripts/fuzz.sh $(FUZZTIME)

bench: build ## measure the token path on every store, beside a floor; ARGS=-short for a quick look, -help for more
	CGO_ENABLED=0 go run ./test/load $(ARGS)

screenshots: ## draw docs/screenshots anew, from the pages as a browser shows them
	@mkdir -p docs/screenshots
	GRANTOR_TEST_REQUIRE=1 GRANTOR_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -run '^TestScreenshots$$' ./test/browser

clean: ## remove what was built; ./data stays
	rm -rf bin
