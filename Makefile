# What is done often; `make help` lists it. A machine needs Python 3.11 or newer, and make.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first Python that is new enough; `make setup PYTHON=/path/to/python` takes another one.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# More for pip: on Linux without a GPU, `make setup PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"`
# installs torch without CUDA's libraries, which take 5 GB.
PIP_ARGS ?=
# More for pytest, and for a benchmark.
PYTEST_ARGS ?=
ARGS ?=

BIN := .venv/bin
MINIO := github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
# `make minio` puts the server there, and the tests find it on PATH.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: help
help: ## List what there is
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.ready ## Make .venv with everything installed; the second call costs nothing

.venv/.ready: pyproject.toml
	$(if $(PYTHON),,$(error There is no Python 3.11 or newer on PATH. Install one, or give it: make setup PYTHON=/path/to/python))
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS) --editable '.[dev]'
	@touch $@

.PHONY: demo
demo: setup ## Search a network for handwritten digits, train it, and show what came out: about two minutes
	$(BIN)/archsmith run examples/digits.yaml
	@echo
	@echo 'Open the report in a browser; see all of it again with `$(BIN)/archsmith show digits`.'
	@echo 'Search once more from the beginning: `$(BIN)/archsmith delete digits`, then `make demo`.'

.PHONY: test
test: minio ## Run the tests, all but those that need a Kubernetes cluster
	$(BIN)/pytest -m 'not cluster' -n auto --dist loadfile $(PYTEST_ARGS)

.PHONY: minio
minio: setup ## Get the MinIO server that the tests of the S3 store run against, where there is none
	@if ! $(BIN)/python -c 'from archsmith.testing.minio import find_minio; find_minio()' 2>/dev/null; then \
		if command -v go >/dev/null; then \
			echo 'go install $(MINIO)  (a few minutes, once)'; \
			GOBIN='$(CURDIR)/.tools/bin' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' $(MINIO); \
		else \
			echo 'There is no MinIO server: the tests of the S3 store will fail. Install Go, and this builds one;'; \
			echo 'or put `minio` on PATH; or set ARCHSMITH_MINIO to its path.'; \
		fi; \
	fi

.PHONY: check
check: lint types layers ## Lint, types and layers

.PHONY: lint
lint: setup ## Style of the code, and its format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: setup ## Types
	$(BIN)/mypy

.PHONY: layers
layers: setup ## Who may import whom
	$(BIN)/lint-imports

.PHONY: docs
docs: setup ## Write the reference pages anew from the code
	$(BIN)/python docs/reference.py

bench-%: setup ## Run a benchmark: `make bench-history ARGS=--help` is benchmarks/history.py
	$(BIN)/python benchmarks/$*.py $(ARGS)

.PHONY: clean
clean: ## Remove caches and built packages; searches in runs/ stay
	rm -rf dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove .venv and .tools as well
	rm -rf .venv .tools
