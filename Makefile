# Everything a person needs. `make run` and `make test` install what is missing first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:

BUILD := swift build -c release --product autograd-server --static-swift-stdlib
BINARY = $(shell swift build -c release --static-swift-stdlib --show-bin-path)/autograd-server

.PHONY: help deps build run demo test test-arm64 fuzz schemathesis endure endure-http endure-clients endure-overload endure-soak \
  endure-bombs endure-hostile hostile-costs browser-test sanitize coverage lint format openapi reference accuracy mutations fixtures \
  random-graphs image image-test bench \
  bench-quick bench-check bench-curves bench-peers bench-deps clean

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

deps: ## Install what the build and the tests need (Debian; uses sudo unless root)
	@scripts/deps.sh

build: deps ## Build the server
	@$(BUILD)

# A crash says which functions it was in. The runtime, linked in, does not find by itself the program that it starts for that.
TOOLCHAIN = $(shell swift -print-target-info | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1|p')
BACKTRACE = enable=yes,threads=crashed,registers=none,images=none,interactive=no,output-to=stderr,swift-backtrace=$(TOOLCHAIN)/libexec/swift/linux/swift-backtrace-static

run: build ## Build and serve on 127.0.0.1:8080 (HOST=, PORT= to change)
	@export SWIFT_BACKTRACE=$${SWIFT_BACKTRACE:-$(BACKTRACE)}
	exec $(BINARY) serve $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

demo: build ## Build, serve, post every example with curl, stop
	@scripts/with-server.sh $(BINARY) scripts/demo.sh

test: deps ## Build and run every test
	@swift test

test-arm64: deps ## Compile the kernels for arm64 and compare their results, in an emulator, with this processor's
	@scripts/arm64-kernels.sh

fuzz: deps ## Fuzz each part of the server for FUZZ_SECONDS (60), or with RUNS inputs
	@scripts/fuzz.sh $(or $(FUZZ_SECONDS),60)

schemathesis: build ## Hold the server to openapi.yaml with EXAMPLES (100) made-up requests for each operation (needs PyPI)
	@scripts/deps.sh python3-venv
	scripts/with-server.sh $(BINARY) scripts/schemathesis.sh $(or $(EXAMPLES),100)

endure: build ## Stop, replace and kill servers under load ROUNDS (20) times each, and count lost requests
	@scripts/deps.sh python3
	python3 scripts/endure-restarts.py $(BINARY) --rounds $(or $(ROUNDS),20)

ENDURE = @scripts/deps.sh python3; python3 scripts/endure

endure-http: build ## Speak HTTP on raw sockets as no client should: smuggling, slow and vanishing clients (ONLY= words of a case)
	$(ENDURE)-http.py $(BINARY) $(if $(ONLY),--only "$(ONLY)")

endure-clients: build ## Hold IDLE (5000) idle and DRIPPERS (1000) dripping connections beside a healthy client
	$(ENDURE)-clients.py $(BINARY) --idle $(or $(IDLE),5000) --drippers $(or $(DRIPPERS),1000)

endure-overload: build ## Offer four times the load that can be served for SECONDS (30)
	$(ENDURE)-overload.py $(BINARY) --seconds $(or $(SECONDS),30)

endure-soak: build ## Send REQUESTS (200000) of every kind and hold resident memory to what it was (SEED=)
	$(ENDURE)-soak.py $(BINARY) --requests $(or $(REQUESTS),200000) --seed $(or $(SEED),1)

endure-bombs: build ## Ask for 10^12 elements and the like in every way, and see that nothing is left of it (ONLY= words of a case)
	$(ENDURE)-bombs.py $(BINARY) $(if $(ONLY),--only "$(ONLY)")

browser-test: build ## Call the server from pages in Chromium: allowed, not allowed, and by DNS rebinding
	@scripts/deps.sh chromium python3
	python3 scripts/browser-test.py $(BINARY)

endure-hostile: build ## Serve an honest client beside eight attackers in MEMORY (256) MiB for SECONDS (60) (ONLY= words of an attacker)
	$(ENDURE)-hostile.py $(BINARY) --seconds $(or $(SECONDS),60) --memory $(or $(MEMORY),256) $(if $(ONLY),--only "$(ONLY)")

hostile-costs: build ## Measure for MINUTES (10) what the dearest requests cost; writes docs/hostile-costs.md (ONLY= words of a family)
	@scripts/deps.sh python3
	python3 scripts/hostile-costs.py $(BINARY) --minutes $(or $(MINUTES),10) --out .build/hostile-costs.jsonl \
	  $(if $(ONLY),--only "$(ONLY)",--page docs/hostile-costs.md)

sanitize: deps ## Run the tests under AddressSanitizer and ThreadSanitizer (SANITIZERS= for one of them)
	@scripts/sanitize.sh $(SANITIZERS)

coverage: deps ## Count the lines that the tests run; fails under 90%
	@scripts/coverage.sh

lint: deps ## Check formatting, and that no file is too long
	@scripts/lint.sh

format: ## Format all Swift
	@swift format format --in-place --recursive Package.swift Sources Tests

openapi: build ## List the operations in openapi.yaml, and make its JSON form
	@python3 scripts/openapi-operations.py $(BINARY)
	python3 scripts/openapi-json.py

reference: build ## Make docs/operations.md from the catalog
	@$(BINARY) operations --page > docs/operations.md.new
	mv docs/operations.md.new docs/operations.md

accuracy: deps ## Measure values and derivatives against mpmath at POINTS (12000) points a function; writes docs/accuracy.md (needs PyPI, an hour)
	@scripts/deps.sh python3 python3-venv
	scripts/accuracy.sh

mutations: deps ## Put old wrong rules of derivatives back, one at a time: the tests must notice each (minutes for each)
	@scripts/deps.sh python3
	python3 scripts/mutations.py

fixtures: ## Make the oracle's data anew (needs Python and PyPI)
	@scripts/fixtures.sh

random-graphs: deps ## Hold COUNT (7000) further random graphs against JAX; KIND=third or more for other kinds (needs PyPI)
	@scripts/random-graphs.sh $(or $(COUNT),7000)

image: ## Build the container image (TARGET=static for the one on nothing)
	@scripts/image.sh

image-test: ## Build both container images, run them locked down, and check what they promise
	@scripts/image-test.sh

BENCH = python3 Benchmarks/bench.py
BENCH_OPTIONS = --server $(BINARY) $(if $(BENCH_PORT),--first-port $(BENCH_PORT))

bench: build bench-deps bench-peers ## Measure beside limits and peers; writes docs/performance.md (half an hour)
	@$(BENCH) full $(BENCH_OPTIONS)

bench-quick: build bench-deps ## The same in under two minutes, with the peers that are there; writes nothing
	@$(BENCH) quick $(BENCH_OPTIONS)

bench-check: build bench-deps ## Hold single parts to Benchmarks/thresholds.json
	@$(BENCH) check $(BENCH_OPTIONS)

bench-curves: build bench-deps ## Draw the growth curves of docs/performance.md
	@$(BENCH) curves $(BENCH_OPTIONS)

bench-peers: bench-deps ## Install the peers in Benchmarks/peers/.venv
	@Benchmarks/peers/setup.sh

bench-deps:
	@scripts/deps.sh gcc libc6-dev util-linux python3 python3-venv

clean: ## Remove build products
	@rm -rf .build Benchmarks/.build
