# Everything a developer does here, by name. `make` alone lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-tests build release image image-binary plugin pages demo run test test-host fmt lint ci clean example bench-gate bench-guests bench-events bench-ask bench-model bench-commands bench-telemetry bench-revocation bench-opaque bench-browser bench-http3 bench-detect bench-overload scenarios soak test-faults eval fuzz properties switch-off test-containers test-ansible lint-ansible soak-gate scale

CARGO ?= cargo
# The scripts and the stage look for what was built in one place.
export CARGO_TARGET_DIR := $(CURDIR)/target
# No path of the building machine in the plugin, and no name of a registry's mirror: the same sources give the same bytes
# anywhere. The last prefix that fits counts. 128-bit arithmetic, of which rustc warns that it is not yet stable, is taken out
# again by scripts/lower-wasm: elliptic curves take two thirds of the time with it. The stack would be 1 MiB, of which every
# instance has its own; the deepest that a token or a configuration can be nested needs a tenth of this one.
cargo_home = $(or $(CARGO_HOME),$(HOME)/.cargo)
nameless = --remap-path-prefix=$(CURDIR)=watchgate --remap-path-prefix=$(shell rustc --print sysroot)=rust \
	--remap-path-prefix=$(cargo_home)=cargo \
	$(foreach registry,$(wildcard $(cargo_home)/registry/src/*),--remap-path-prefix=$(registry)=crates)
wasm_flags = $(nameless) -C target-feature=+wide-arithmetic -C link-arg=-zstack-size=196608

# What pages load when they need it.
page_modules = playground scanner

# Guests of Traefik's sandbox: they are built for it alone.
not_native = --exclude middleware-wasm --exclude empty-guest --exclude probe-guest

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS=$$'\t' read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done

setup: ## put the pinned Traefik into .tools/
	@scripts/tools.sh

setup-tests: ## also what the tests need, some 250 MB
	@scripts/tools.sh tests

build: plugin pages ## the plugin, what pages load, the service and the stage
	$(CARGO) build --bins

# By itself: together with a bench, of which each wants other features of the same libraries, all would be built once more for each bench.
build_service = $(CARGO) build -q --release -p assistant-service

release: plugin pages ## the command line and the service, for use: target/release/watchgate
	$(subst -q,,$(build_service))

# One program without a library beside it, so that a container needs nothing else. The most that it may have is ours to keep.
image_target = $(shell uname -m)-unknown-linux-musl
image_binary = target/$(image_target)/container/watchgate
image_most_bytes = 30000000
# Rust's own lld folds functions that came out alike, and writes down the program's relocations in few bytes.
rust_lld = $(shell rustc --print sysroot)/lib/rustlib/$(shell rustc -vV | sed -n 's/^host: //p')/bin/gcc-ld
image_link = -C link-arg=-B$(rust_lld) -C link-arg=-fuse-ld=lld -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs

image-binary: pages ## the same as one static program: target/*-linux-musl/container/watchgate
	@scripts/tools.sh container
	$(CARGO) rustc --profile container --target $(image_target) -p assistant-service --bin watchgate -- $(image_link)
	@bytes=$$(stat --format %s $(image_binary)); echo "image-binary: $$bytes bytes, of $(image_most_bytes) at most"; \
		[ "$$bytes" -lt $(image_most_bytes) ]

image: image-binary ## it in a container, by podman: localhost/watchgate:latest
	@rm -rf target/image && mkdir -p target/image/data && cp $(image_binary) target/image/watchgate
	podman build --format docker --tag localhost/watchgate:latest --file deploy/container/Containerfile target/image
	@podman image inspect --format 'image: {{.Size}} bytes' localhost/watchgate:latest

plugin: ## the gate as a Traefik plugin, in dist/
	@$(CARGO) fetch --quiet --locked
	@$(MAKE) --no-print-directory target/wasm32-wasip1/wasm/middleware-wasm.wasm
	@$(CARGO) run -q -p lower-wasm -- target/wasm32-wasip1/wasm/middleware-wasm.wasm target/wasm32-wasip1/wasm/plugin.wasm
	@python3 scripts/pack-plugin.py

# A make of its own, so that the registries' folders are there when their names are looked up. RUSTFLAGS of the
# environment would take the place of these.
.PHONY: always
target/wasm32-wasip1/wasm/%.wasm: always
	@env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="$(wasm_flags)" \
		$(CARGO) build -p $* --profile wasm --target wasm32-wasip1

pages: ## what the pages load beside their own files: the rule playground and the code scanner, in dist/pages/
	@$(CARGO) fetch --quiet --locked
	@$(MAKE) --no-print-directory $(page_modules:%=dist/pages/%)

dist/pages/%: always
	@env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$(nameless)" \
		$(CARGO) build -p $* --profile pages --target wasm32-unknown-unknown
	@$(CARGO) run -q -p bind-wasm -- target/wasm32-unknown-unknown/pages/$*.wasm $@

# Made like the gate itself, so that what they cost is comparable.
bench_guests = empty-guest probe-guest
bench-guests: plugin
	@for guest in $(bench_guests); do \
		$(MAKE) --no-print-directory target/wasm32-wasip1/wasm/$$guest.wasm; \
		$(CARGO) run -q -p lower-wasm -- target/wasm32-wasip1/wasm/$$guest.wasm target/wasm32-wasip1/wasm/$$guest.lowered.wasm; \
	done

bench-gate: setup bench-guests ## what the gate costs; OPTIONS="--quick", "--help"
	@$(CARGO) run -q --release -p bench-gate -- $(OPTIONS)

bench-events: setup-tests plugin pages ## what going by events costs, on SQLite and on NATS; OPTIONS="--quick", "--help"
	@$(build_service) && $(CARGO) build -q --release -p bench-events
	@target/release/bench-events $(OPTIONS)

bench-model: pages ## what the service adds to a model's first word; OPTIONS="--questions 100"
	@$(CARGO) run -q --release -p bench-model -- $(OPTIONS)

bench-commands: pages ## what commands cost, from the request through their whole life; OPTIONS="--quick", "--help"
	@$(build_service) && $(CARGO) build -q --release -p bench-commands
	@target/release/bench-commands $(OPTIONS)

bench-overload: pages ## what is still answered at up to four times what the service carries; needs two processors; OPTIONS="--quick", "--help"
	@$(build_service) && $(CARGO) build -q --release -p bench-overload
	@target/release/bench-overload $(OPTIONS)

bench-telemetry: setup plugin pages ## what telemetry costs, through the detectors and through gate and service until an incident is seen; OPTIONS="--quick", "--help"
	@$(build_service) && $(CARGO) build -q --release -p bench-telemetry
	@target/release/bench-telemetry $(OPTIONS)

bench-detect: ## how well anomalies are found; NAB=folder with data/ and combined_windows.json; OPTIONS="--files", "--help"
	@$(CARGO) run -q --release -p bench-detect -- $(if $(NAB),--data $(NAB) --halves) $(OPTIONS)

scenarios: ## what the diagnosis raises of every telemetry scenario, and how soon, as a table; OPTIONS="--seeds 1..10 --only leak --incidents", "--each-frame 3"
	@$(CARGO) run -q --release -p bench-scenarios -- $(OPTIONS)

bench-ask: pages ## what a question costs over ten thousand documents; OPTIONS="--quick", "--help"
	@$(build_service) && $(CARGO) build -q --release -p bench-ask
	@target/release/bench-ask $(OPTIONS)

bench-revocation: setup-tests build ## how long a revoked token still passes; OPTIONS="--rounds 50 --connections 32"
	@$(CARGO) run -q --bin revocation_delay -- $(OPTIONS)

bench-opaque: setup-tests build ## what an opaque token costs Traefik against a JWT, both known; OPTIONS="--rounds 9"
	@$(CARGO) run -q --bin opaque_cost -- $(OPTIONS)

bench-browser: setup-tests plugin pages ## how soon a watch is of use, in a real browser, and what many cost others; OPTIONS="--quick", "--help"
	@scripts/system-packages.sh browser
	@$(build_service) && $(CARGO) build -q --release -p bench-browser
	@target/release/bench-browser $(OPTIONS)

bench-http3: setup plugin pages ## what HTTP/3 gains on links with delay and loss, and when the client's address changes; needs root; OPTIONS="--quick", "--help"
	@$(build_service) && $(CARGO) build -q --release -p bench-http3
	@target/release/bench-http3 $(OPTIONS)

soak: setup-tests plugin pages ## mixed load through the gate with a rolling update and faults in the middle: nothing lost, nothing stuck, memory flat; MINUTES=30, OPTIONS="--help"
	@$(build_service) && $(CARGO) build -q --release -p faults
	@target/release/faults soak --minutes $(or $(MINUTES),30) $(OPTIONS)

scale: ## how many gates, replicas and disks 10, 1,000 and 100,000 requests a second need, by simulation; OPTIONS="--help"
	@$(CARGO) run -q --release -p scale -- $(OPTIONS)

soak-gate: setup bench-guests ## long load on the gate with changing keys; MINUTES=15, OPTIONS="--requests 10000000", "--reloads 500"
	@$(CARGO) run -q --release -p soak-gate -- --minutes $(or $(MINUTES),15) $(OPTIONS)

eval: setup-tests pages ## how well the example company's questions are answered, by words alone and with embeddings; PART=report
	@$(build_service)
	@scripts/eval.sh $(or $(PART),report) $(OPTIONS)

demo: setup build ## the whole idea, step by step, in front of your eyes
	@$(CARGO) run -q --bin demo

run: setup build ## the gateway and the service, until Ctrl-C
	@$(CARGO) run -q --bin stage

test: setup-tests build ## unit tests, those of the pages too, and whole paths through the real Traefik
	$(CARGO) test --workspace $(not_native) $(if $(WITHOUT_WHOLE_PATHS),--exclude watchgate-tests)

switch-off: ## each check of the core off once: some row of the attack table must fail; CHECK="part of a name", CHECK=--unless-known
	@$(CARGO) fetch --quiet --locked
	@CARGO_INCREMENTAL=1 $(CARGO) run -q -p switch-off -- $(if $(CHECK),"$(CHECK)")

test-host: setup-tests build ## what needs root or system packages
	@scripts/test-host.sh

test-containers: setup-tests build image-binary ## the service's image in rootless Podman, found by Traefik, scaled under load; needs root
	@scripts/system-packages.sh
	@$(CARGO) test --package watchgate-tests --test containers --no-run
	@unshare --mount scripts/with-podman.sh $(CARGO) test --package watchgate-tests --test containers -- --ignored --test-threads 1

test-ansible: setup-tests build image-binary ## deploy/ansible on hosts that boot for it: brought up, updated and broken under load; needs root
	@scripts/system-packages.sh
	@$(CARGO) test --package watchgate-tests --test ansible --no-run
	@scripts/with-hosts.sh $(CARGO) test --offline --package watchgate-tests --test ansible -- --ignored --nocapture

test-faults: setup-tests build ## kills, power cuts, full disks, lost networks: what was acknowledged is there; KILLS=100 CUTS=100, NAMES="part of a name"
	@$(CARGO) run -q -p faults -- run --length long --kills $(or $(KILLS),100) --cuts $(or $(CUTS),100) $(OPTIONS) $(NAMES)

fuzz: ## bytes of every kind against the core, each for SECONDS=600, JOBS=1 at a time
	@scripts/fuzz.sh $(or $(SECONDS),600) $(or $(JOBS),1) $(TARGETS)

properties: ## property tests of the core, with new cases for SECONDS=600
	@scripts/properties.sh $(or $(SECONDS),600)

fmt: ## format the sources
	$(CARGO) fmt --all

lint: ## formatting, lints and docs, with every warning an error
	$(CARGO) fmt --all --check
	python3 scripts/check-questions.py
	$(CARGO) clippy --workspace $(not_native) --all-targets -- -D warnings
	$(CARGO) clippy -p trust-core --features fuzzing -- -D warnings
	$(CARGO) clippy -p middleware-wasm -p empty-guest -p probe-guest --target wasm32-wasip1 -- -D warnings
	$(CARGO) clippy $(page_modules:%=-p %) --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace $(not_native) --no-deps

lint-ansible: ## deploy/ansible as ansible-lint's production profile wants it
	@scripts/tools.sh ansible-lint
	cd deploy/ansible && PATH="$(CURDIR)/.tools/ansible-lint/bin:$$PATH" ansible-lint --offline --profile production --strict

ci: ## all that must pass before a change goes in
	@.ci/run

example: ## one of examples/: make example NAME=drop-in
	@if [ -z "$(NAME)" ] || [ ! -x "examples/$(NAME)/run.sh" ]; then \
		echo "say which: $$(cd examples && ls -d */run.sh 2>/dev/null | sed 's|/run.sh||; s|^|make example NAME=|' | paste -sd, | sed 's/,/, /g')" >&2; exit 1; fi
	@$(MAKE) --no-print-directory setup build
	@examples/$(NAME)/run.sh

clean: ## what builds and runs leave behind, but not the tools
	$(CARGO) clean
	rm -rf dist .run
