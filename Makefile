# Everything that a checkout needs, from a Python >= 3.11 with venv (and Node, if the tests with the
# JavaScript clients shall run). `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
# The tests wait more than they compute.
PYTEST_ARGS ?= -n 4 --dist worksteal
BENCH_ARGS ?=
# How long `make stress` lasts, and options of its own (STRESS_ARGS="--seed 7 tests/engine").
MINUTES ?= 10
STRESS_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INTEROP := tests/interop
BROKERS := tests/brokers
PEERS := benchmarks

# The sub-environments of the uses; stamps make the second call fast.
RUN_STAMP := $(VENV)/.stamp-run
BENCH_STAMP := $(VENV)/.stamp-bench
DEV_STAMP := $(VENV)/.stamp-dev
NPM_STAMP := node_modules/.package-lock.json

# Without files of bytecode each test process, and each server that a test starts, would compile everything
# again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-adapters test-frameworks test-examples test-tools test-full stress bench lint \
	format types docs build check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(RUN_STAMP) ## run the demonstration server
	$(BIN)/socketio-asgi demo

test: $(DEV_STAMP) interop ## run the tests of the core (PYTEST_ARGS="-k name" selects)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-adapters: ## run the tests of adapters with real brokers
test-frameworks: ## run the tests of frameworks, and of deployments behind real proxies
test-examples: ## run the tests of the examples
test-tools: ## run the tests of the command line, of the harness of all tests, and of the benchmarks
test-adapters test-frameworks test-examples test-tools: test-%: $(DEV_STAMP)
	$(BIN)/python -m pytest --group=$* $(PYTEST_ARGS)

test-tools: interop
test-adapters: interop brokers

test-full: $(DEV_STAMP) interop brokers ## run all tests, on all event loops
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

check: lint types test docs build ## style, types, tests of the core, documentation, distributions

clean: ## remove what the targets made
	rm -rf $(VENV) $(INTEROP)/node_modules $(BROKERS)/node_modules $(PEERS)/node_modules build dist site

.PHONY: interop brokers peers
# Without Node the tests with the JavaScript clients are skipped, and its servers left out.
interop brokers peers:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(FOLDER)/$(NPM_STAMP); \
	else echo "no npm: $(FOLDER) does without the packages of JavaScript"; fi
interop: FOLDER := $(INTEROP)
brokers: FOLDER := $(BROKERS)
peers: FOLDER := $(PEERS)

$(INTEROP)/$(NPM_STAMP) $(BROKERS)/$(NPM_STAMP) $(PEERS)/$(NPM_STAMP): %/$(NPM_STAMP): %/package.json %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund
	touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): $(BIN)/python pyproject.toml
	$(PIP) install --quiet --editable '.[standard]'
	touch $@

$(BENCH_STAMP): $(BIN)/python pyproject.toml
	$(PIP) install --quiet --editable '.[bench]'
	touch $@

$(DEV_STAMP): $(BIN)/python pyproject.toml
	$(PIP) install --quiet --editable '.[dev]'
	touch $@ $(RUN_STAMP) $(BENCH_STAMP)
