# What a person does with this repository. `make` lists it.

GO       ?= go
FUZZTIME ?= 10s
RERUN    := gotest.tools/gotestsum@v1.13.0
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SUDO     := $(if $(filter 0,$(shell id -u)),,$(shell command -v sudo))

# Programs that the tests need, each with the Debian package that has it.
TOOLS := gcc:gcc node:nodejs npm:npm sipp:sip-tester baresip:baresip-core sox:sox \
         python3:python3 javac:default-jdk-headless mvn:maven \
         unshare:util-linux nsenter:util-linux prlimit:util-linux

.DEFAULT_GOAL := help
.PHONY: help run build test tools lint fuzz bench

help: ## List these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: build ## Build and start the server on development defaults
	bin/tipring serve

build: ## Build bin/tipring, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tipring ./cmd/tipring

# The whole-server tests come last and alone: they keep time with real phones. A
# machine that is shared can starve a phone of its 20 ms, so what fails is run
# once more, and the summary says so; what fails twice has failed.
test: tools ## Install what the tests need and run every test with the race detector
	$(GO) vet ./...
	$(GO) run $(RERUN) --format pkgname --rerun-fails=1 --rerun-fails-max-failures=4 \
	    --packages "$$($(GO) list ./... | grep -v /internal/e2e)" -- -race -count=1 -timeout 8m
	$(GO) run $(RERUN) --format testname --rerun-fails=1 --rerun-fails-max-failures=8 \
	    --packages ./internal/e2e -- -race -count=1 -timeout 30m

tools:
	@missing=; for t in $(TOOLS); do \
	    command -v $${t%%:*} >/dev/null || missing="$$missing $${t##*:}"; \
	done; \
	python3 -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	    command -v apt-get >/dev/null || { echo "please install:$$missing (the names of Debian's packages)"; exit 1; }; \
	    $(SUDO) apt-get update -q && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi
	@cd internal/e2e/app && npm ls --silent >/dev/null 2>&1 || npm ci --no-audit --no-fund
	@cd internal/e2e/python && cmp -s requirements.txt .venv/requirements.txt || { \
	    python3 -m venv --clear .venv && .venv/bin/pip install -q --no-deps -r requirements.txt && \
	    .venv/bin/pip check && cp requirements.txt .venv/; }
	@cd internal/e2e/java && mvn -B -q -o package >/dev/null 2>&1 || mvn -B -q package

lint: ## Run the linters of .golangci.yml (the first run builds them: two minutes)
	$(GO) run $(LINT) run ./...

fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@set -e; for p in $$($(GO) list ./...); do \
	    for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	        echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; \
	    done; \
	done

bench: ## Run every benchmark; benchstat reads the output
	$(GO) test -run '^$$' -bench . -benchmem ./...
