# Everything that a checkout needs, from a Python >= 3.11 with venv (and Node, if the tests with the
# JavaScript clients shall run). `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
# The tests wait more than they compute, those of the core and of the examples most.
WORKERS = 4
test test-examples: WORKERS = 6
PYTEST_ARGS ?= -n $(WORKERS) --dist worksteal
BENCH_ARGS ?=
# How long `make stress` lasts, and options of its own (STRESS_ARGS="--seed 7 tests/engine").
MINUTES ?= 10
STRESS_ARGS ?=
DEMO_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INTEROP := tests/interop
BROKERS := tests/brokers
PEERS := benchmarks
PAGE := examples/chat_platform/page
# What the tests of the examples install: the examples with a package.json, and a parser of documents.
WITH_PACKAGES := $(PAGE) examples/react_chat examples/vue_poll examples/typed_chat tests/asyncapi
# The JavaScript client, where the tests have installed it.
CLIENT := $(INTEROP)/node_modules/socket.io-client/dist

# The sub-environments of the uses; stamps make the second call fast.
RUN_STAMP := $(VENV)/.stamp-run
BENCH_STAMP := $(VENV)/.stamp-bench
DEV_STAMP := $(VENV)/.stamp-dev
NATIVE_STAMP := $(VENV)/.stamp-native
NPM_STAMP := node_modules/.package-lock.json

# Without files of bytecode each test process, and each server that a test starts, would compile everything
# again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-adapters test-frameworks test-examples test-tools test-full stress bench lint \
	format types docs build native native-wheel check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Bytecode goes into the environment too, so that the demo leaves nothing else behind in the checkout.
demo: export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/pycache
demo: $(RUN_STAMP) ## run the demonstration server (DEMO_ARGS="--port 9000")
	$(BIN)/socketio-asgi demo $(if $(wildcard $(CLIENT)/socket.io.min.js),--client-dir $(CLIENT)) $(DEMO_ARGS)

test: $(DEV_STAMP) interop ## run the tests of the core (PYTEST_ARGS="-k name" selects)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-adapters: ## run the tests of adapters with real brokers
test-frameworks: ## run the tests of frameworks, and of deployments behind real proxies
test-examples: ## run the tests of the examples
test-tools: ## run the tests of the command line, the documentation, the harness and the benchmarks
test-adapters test-frameworks test-examples test-tools: test-%: $(DEV_STAMP)
	$(BIN)/python -m pytest --group=$* $(PYTEST_ARGS)

test-tools: interop
test-adapters: interop brokers
test-examples: interop examples-packages

test-full: $(DEV_STAMP) interop brokers examples-packages ## run all tests, on all event loops
	$(BIN)/python -m pytest --group=all --all-backends $(PYTEST_ARGS)

stress: $(DEV_STAMP) interop ## run the tests again and again on a machine in trouble (MINUTES=n)
	$(BIN)/python -m tests.stress --minutes $(MINUTES) $(STRESS_ARGS)

bench: $(BENCH_STAMP) peers ## compare with other servers (BENCH_ARGS="echo --runs 5" selects)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

lint: $(DEV_STAMP) ## check style, format and the import contracts
	@code=0; $(BIN)/ruff check . || code=1; $(BIN)/ruff format --check . || code=1; \
	$(BIN)/lint-imports || code=1; exit $$code

format: $(DEV_STAMP) ## rewrite the code in the project's format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(DEV_STAMP) ## check the types with mypy and pyright
	@code=0; $(BIN)/mypy || code=1; $(BIN)/pyright || code=1; \
	PATH="$(abspath $(BIN)):$$PATH" pyright --ignoreexternal --verifytypes socketio_asgi || code=1; \
	exit $$code

docs: $(DEV_STAMP) ## build the documentation into site/
	@report=$$($(BIN)/zensical build --clean --strict 2>&1); code=$$?; echo "$$report"; \
	if echo "$$report" | grep -q '^griffe:'; then echo "a docstring is wrong"; exit 1; fi; exit $$code

build: $(DEV_STAMP) ## build the sdist and the wheel into dist/
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

native: $(NATIVE_STAMP) ## build the native piece, and install it for the tests and benchmarks

native-wheel: $(DEV_STAMP) ## build the sdist and the wheel of the native piece into native/dist/
	rm -rf native/dist
	$(BIN)/python -m build --outdir native/dist native
	$(BIN)/twine check --strict native/dist/*

check: lint types test docs build ## style, types, tests of the core, documentation, distributions

clean: ## remove what the targets made
	rm -rf $(VENV) $(INTEROP)/node_modules $(BROKERS)/node_modules $(PEERS)/node_modules build dist site \
		native/build native/dist examples/*/dist $(PAGE)/dist $(WITH_PACKAGES:%=%/node_modules)

.PHONY: interop brokers peers examples-packages
# Without Node the tests with the JavaScript clients are skipped, and its servers left out.
interop brokers peers examples-packages:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(FOLDERS:%=%/$(NPM_STAMP)); \
	else echo "no npm: no packages of JavaScript in $(FOLDERS)"; fi
interop: FOLDERS := $(INTEROP)
brokers: FOLDERS := $(BROKERS)
peers: FOLDERS := $(PEERS)
examples-packages: FOLDERS := $(WITH_PACKAGES)

# What packages want to run is not needed, except that bun installs itself.
$(addsuffix /$(NPM_STAMP),$(INTEROP) $(BROKERS) $(WITH_PACKAGES)): NPM_OPTIONS := --ignore-scripts
$(addsuffix /$(NPM_STAMP),$(INTEROP) $(BROKERS) $(PEERS) $(WITH_PACKAGES)): %/$(NPM_STAMP): %/package.json %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund $(NPM_OPTIONS)
	touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
# That of Python 3.11 takes minutes to find versions that fit together.
	$(PIP) install --quiet --upgrade pip

$(RUN_STAMP): $(BIN)/python pyproject.toml
	$(PIP) install --quiet --editable '.[standard]'
	touch $@

$(BENCH_STAMP): $(BIN)/python pyproject.toml
	$(PIP) install --quiet --editable '.[bench]'
	@$(MAKE) --no-print-directory native
	touch $@

$(DEV_STAMP): $(BIN)/python pyproject.toml
	$(PIP) install --quiet --editable '.[dev]'
	@$(MAKE) --no-print-directory native
	touch $@ $(RUN_STAMP) $(BENCH_STAMP)

# Without a compiler everything runs in Python, and the tests of the native piece are skipped. The copy
# is for builds at the same time, which would be in one another's way.
$(NATIVE_STAMP): $(BIN)/python native/socketio_asgi_speedups.c native/setup.py native/pyproject.toml
	@copy=$$(mktemp -d) && cp -R native "$$copy" && rm -rf "$$copy/native/build" && \
	if $(PIP) install --quiet --force-reinstall --no-deps "$$copy/native"; then touch $@; \
	elif [ "$$CI" = true ]; then echo "the native piece cannot be built"; code=1; \
	else echo "no compiler: the native piece is left out"; touch $@; fi; rm -rf "$$copy"; exit $${code:-0}
