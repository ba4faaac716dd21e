# Bridgewatch: everything a developer or a curious visitor types. `make demo` and `make test` need nothing prepared but
# a Debian machine with Rust and Node.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# In CI the target folder lies in a cache outside the clone, so that dependencies are built once.
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/bridgewatch
ifdef CI
export CARGO_TARGET_DIR := $(CACHE)/target
endif
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(CURDIR)/target)
VENV := $(CACHE)/venv
export BRIDGEWATCH_PYTHON := $(VENV)/bin/python
export BRIDGEWATCH_BIN ?= $(TARGET)/release/bridgewatch

.PHONY: demo test bench fuzz fuzz-check console build tools tools-test fmt clippy nextest doc console-test outside deny clean help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: build ## two centres on this machine, a sensor, live traffic; DEMO_SECONDS=30 ends it by itself
	$(BRIDGEWATCH_BIN) demo $(if $(filter-out 0,$(DEMO_SECONDS)),--seconds $(DEMO_SECONDS))

build: tools console ## the release binary with the console inside
	cargo build --release --locked --package node

console: tools ## the web console's files, which the binary embeds
	scripts/console

tools: ## what a build needs beyond Rust and Node
	scripts/tools build

tools-test: ## what the tests need besides
	scripts/tools test

test: tools-test console fmt clippy nextest doc fuzz-check console-test build outside ## everything CI runs

fmt:
	cargo fmt --all --check

clippy: console
	cargo clippy --workspace --all-targets --locked -- -D warnings

nextest: console tools-test
	cargo nextest run --workspace --locked -E 'not package(tests)'
	cargo test --workspace --doc --locked

doc: console
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

# Built for themselves: what exists for fuzzing only is in no other build.
fuzz-check: console ## do the fuzz targets still build?
	RUSTFLAGS="--cfg fuzzing" CARGO_TARGET_DIR=$(TARGET)/fuzz-check cargo check --locked --manifest-path tests/fuzz/Cargo.toml

console-test: console tools-test ## the console by itself: types, logic, every screen in a browser
	cd dashboards/web && npm run --silent check && npm run --silent unit && npm run --silent screens

outside: build tools-test ## the whole from outside: real clients, a real browser, two centres
	cargo nextest run --workspace --locked -E 'package(tests)'

deny: ## licences, duplicate and banned crates
	cargo deny --all-features check bans licenses sources

bench: build tools-test ## the figures of docs/performance.md
	scripts/bench

fuzz: ## every fuzz target, FUZZ_SECONDS (120) each
	scripts/fuzz

clean:
	cargo clean
	rm -rf dashboards/web/node_modules dashboards/web/dist
