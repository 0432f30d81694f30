# Everything a person needs. `make run` and `make test` install what is missing first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:

BUILD := swift build -c release --product autograd-server --static-swift-stdlib
BINARY = $(shell swift build -c release --static-swift-stdlib --show-bin-path)/autograd-server

.PHONY: help deps build run demo check test test-arm64 fuzz schemathesis client-test clients-test endure endure-http endure-clients endure-overload endure-soak \
  endure-bombs endure-hostile endure-graphs hostile-costs browser-test page-test spreadsheet-test sanitize coverage lint format openapi reference accuracy mutations fixtures \
  random-graphs image image-test bench \
  bench-quick bench-check bench-curves bench-peers bench-deps clean

##@ Start

help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)

deps: ## Install what build and tests need (Debian; uses sudo unless root)
	@scripts/deps.sh

build: deps ## Build the server
	@$(BUILD)

# A crash says which functions it was in. The runtime, linked in, does not find by itself the program that it starts for that.
TOOLCHAIN = $(shell swift -print-target-info | sed -n 's|.*"runtimeResourcePath": "\(.*\)/lib/swift".*|\1|p')
BACKTRACE = enable=yes,threads=crashed,registers=none,images=none,interactive=no,output-to=stderr,swift-backtrace=$(TOOLCHAIN)/libexec/swift/linux/swift-backtrace-static

run: build ## Build and serve on 127.0.0.1:8080 (HOST=, PORT=)
	@export SWIFT_BACKTRACE=$${SWIFT_BACKTRACE:-$(BACKTRACE)}
	exec $(BINARY) serve $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

demo: build ## Build, serve, post every example with curl, stop
	@scripts/with-server.sh $(BINARY) scripts/demo.sh

image: ## Build the container image (TARGET=static for the one on nothing)
	@scripts/image.sh

clean: ## Remove build products
	@rm -rf .build Benchmarks/.build

##@ Test

check: deps ## Lint and the fast tests: what to run while working, in about two minutes
	@scripts/check.sh

test: deps ## Build and run every test
	@swift test

lint: deps ## Check formatting, lengths of files and lines, words of documents
	@scripts/lint.sh

format: ## Format all Swift
	@swift format format --in-place --recursive Package.swift Sources Tests

test-arm64: deps ## Compare the kernels' results on arm64, in an emulator, with this processor's
	@scripts/arm64-kernels.sh

fuzz: deps ## Fuzz each part of the server for FUZZ_SECONDS (60), or with RUNS inputs
	@scripts/fuzz.sh $(or $(FUZZ_SECONDS),60)

client-test: build ## Generate a Python client of openapi.yaml, use it, check the schemas (PyPI)
	@scripts/deps.sh python3-venv
	scripts/with-server.sh $(BINARY) scripts/client-test.sh

clients-test: build ## Test the clients, their README and examples (PARTS= some; PyPI)
	@scripts/clients-test.sh $(BINARY) $(PARTS)

schemathesis: build ## Send EXAMPLES (100) made-up requests for each operation of openapi.yaml (PyPI)
	@scripts/deps.sh python3-venv
	scripts/with-server.sh $(BINARY) scripts/schemathesis.sh $(or $(EXAMPLES),100)

browser-test: build ## Call the server from pages in Chromium: allowed, not allowed, DNS rebinding
	@scripts/deps.sh chromium python3
	python3 scripts/browser-test.py $(BINARY)

spreadsheet-test: build ## Call the server from the cells of a spreadsheet, in LibreOffice
	@scripts/deps.sh libreoffice-calc-nogui python3-uno python3
	python3 scripts/spreadsheet-test.py $(BINARY)

page-test: build ## Try the page in Chromium: every tab, example, keyboard, axe (PyPI)
	@scripts/deps.sh chromium chromium-driver python3-venv
	scripts/with-server.sh $(BINARY) scripts/page-test.sh

image-test: ## Build both container images, run them locked down, check what they promise
	@scripts/image-test.sh

sanitize: deps ## Run the tests under Address- and ThreadSanitizer (SANITIZERS= for one)
	@scripts/sanitize.sh $(SANITIZERS)

coverage: deps ## Count the lines that the tests run; fails under 90%
	@scripts/coverage.sh

mutations: deps ## Put old wrong derivative rules back; tests must notice (minutes for each)
	@scripts/deps.sh python3
	python3 scripts/mutations.py

random-graphs: deps ## Hold COUNT (7000) more random graphs against JAX; KIND=third or more (PyPI)
	@scripts/random-graphs.sh $(or $(COUNT),7000)

##@ Endure

endure: build ## Stop, replace and kill servers under load ROUNDS (20) times; count lost requests
	@scripts/deps.sh python3
	python3 scripts/endure-restarts.py $(BINARY) --rounds $(or $(ROUNDS),20)

ENDURE = @scripts/deps.sh python3; python3 scripts/endure

endure-http: build ## Speak HTTP on raw sockets: smuggling, slow and vanishing clients (ONLY= a case)
	$(ENDURE)-http.py $(BINARY) $(if $(ONLY),--only "$(ONLY)")

endure-bombs: build ## Ask for 10^12 elements in every way; nothing may be left of it (ONLY= a case)
	$(ENDURE)-bombs.py $(BINARY) $(if $(ONLY),--only "$(ONLY)")

endure-hostile: build ## Serve a client beside eight attackers in MEMORY (256) MiB, SECONDS (60) (ONLY=)
	$(ENDURE)-hostile.py $(BINARY) --seconds $(or $(SECONDS),60) --memory $(or $(MEMORY),256) $(if $(ONLY),--only "$(ONLY)")

endure-clients: build ## Hold IDLE (5000) idle and DRIPPERS (1000) slow clients beside a healthy one
	$(ENDURE)-clients.py $(BINARY) --idle $(or $(IDLE),5000) --drippers $(or $(DRIPPERS),1000)

endure-overload: build ## Offer four times the load that can be served for SECONDS (30)
	$(ENDURE)-overload.py $(BINARY) --seconds $(or $(SECONDS),30)

endure-soak: build ## Send REQUESTS (200000) of every kind; resident memory must not grow (SEED=)
	$(ENDURE)-soak.py $(BINARY) --requests $(or $(REQUESTS),200000) --seed $(or $(SEED),1)

endure-graphs: build ## Kill servers while they store PUTS (1000) graphs in ROUNDS (10); none is lost
	$(ENDURE)-graphs.py $(BINARY) --rounds $(or $(ROUNDS),10) --puts $(or $(PUTS),1000)

hostile-costs: build ## Measure the dearest requests for MINUTES (10); docs/hostile-costs.md (ONLY=)
	@scripts/deps.sh python3
	python3 scripts/hostile-costs.py $(BINARY) --minutes $(or $(MINUTES),10) --out .build/hostile-costs.jsonl \
	  $(if $(ONLY),--only "$(ONLY)",--page docs/hostile-costs.md)

##@ Documents

openapi: build ## List the operations in openapi.yaml; make its JSON form and the page of /docs
	@python3 scripts/openapi-operations.py $(BINARY)
	python3 scripts/openapi-json.py
	scripts/with-server.sh $(BINARY) scripts/docs-pages.py

reference: build ## Make docs/operations.md from the catalog
	@$(BINARY) operations --page > docs/operations.md.new
	mv docs/operations.md.new docs/operations.md

accuracy: deps ## Measure all functions at POINTS (12000); docs/accuracy.md (PyPI, an hour)
	@scripts/deps.sh python3 python3-venv
	scripts/accuracy.sh

fixtures: ## Make the oracle's data anew (Python and PyPI)
	@scripts/fixtures.sh

##@ Measure

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
