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

# The cluster of `make cluster`: its name, its node's image (that of the installed kind where empty), and what it runs.
CLUSTER ?= archsmith
KIND_IMAGE ?=
# Its configuration: another one where the ports of this machine are taken.
KIND_CONFIG ?= charts/kind.yaml
IMAGE ?= archsmith:$(shell sed -n 's/^appVersion: "\(.*\)"/\1/p' charts/archsmith/Chart.yaml)
MINIO_IMAGE ?= quay.io/minio/minio:$(shell sed -n 's/^    tag: \(RELEASE.*\)/\1/p' charts/archsmith/values.yaml)
# How many tests run side by side: one more than there are cores, as some of them wait.
TESTS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
# How many tests of the cluster do: each has pods that compute.
CLUSTER_TESTS ?= 3
# More for helm: HELM_ARGS="--set controller.enabled=false".
HELM_ARGS ?=
KUBE_VERSION := 1.36.0
# The options of helm for an image: `$(call image_values,image,name:tag)`.
image_values = --set $(1).repository=$(patsubst %:$(lastword $(subst :, ,$(2))),%,$(2)) --set $(1).tag=$(lastword $(subst :, ,$(2)))

BIN := .venv/bin
HELM := helm.sh/helm/v3/cmd/helm@v3.22.0
MINIO := github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
# `make minio` and `make helm` put them there, and the tests find them on PATH.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: help
help: ## List what there is
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
test: minio helm ## Run the tests, all but those that need a Kubernetes cluster
	$(BIN)/pytest -m 'not cluster' -n $(TESTS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: test-cluster
test-cluster: setup axe ## Run the tests that need a Kubernetes cluster, or minutes, on one that they make and remove
	$(BIN)/pytest -m 'cluster and not long' -n $(CLUSTER_TESTS) --no-loadscope-reorder $(PYTEST_ARGS) \
		tests/cluster $$(grep --recursive --files-with-matches --include='test_*.py' 'mark\.cluster' tests)

.PHONY: test-long
test-long: setup ## Run the longest tests of the cluster, which show in other ways what `make test-cluster` does
	$(BIN)/pytest -m long -n $(CLUSTER_TESTS) --no-loadscope-reorder $(PYTEST_ARGS) \
		$$(grep --recursive --files-with-matches --include='test_*.py' 'mark\.long' tests)

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

.PHONY: helm
helm: ## Get helm, with which the tests render the chart, where there is none
	@if ! command -v helm >/dev/null && test -z "$${ARCHSMITH_HELM:-}"; then \
		if command -v go >/dev/null; then \
			echo 'go install $(HELM)  (a minute or two, once)'; \
			GOBIN='$(CURDIR)/.tools/bin' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' $(HELM); \
		else \
			echo 'There is no helm: the tests of the chart will fail. Install Go, and this builds one;'; \
			echo 'or put `helm` on PATH; or set ARCHSMITH_HELM to its path.'; \
		fi; \
	fi

AXE := 4.14.1
.PHONY: axe
axe: ## Get axe-core from npm, which looks for what hinders people at the pages, where it is not there
	@if ! test -f .tools/axe.min.js; then \
		mkdir -p .tools; folder=$$(mktemp -d); \
		npm pack --silent --pack-destination "$$folder" axe-core@$(AXE) >/dev/null; \
		tar -xzf "$$folder"/axe-core-$(AXE).tgz -C "$$folder" package/axe.min.js; \
		mv "$$folder"/package/axe.min.js .tools/axe.min.js; rm -rf "$$folder"; \
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

# The scripts of others that the pages ship, as their packages on npm have them; needs npm.
.PHONY: ui-scripts
ui-scripts: setup ## Fetch the scripts that the pages ship anew, in the versions that ui/static/SOURCES.json names
	$(BIN)/python docs/ui_scripts.py

bench-%: setup ## Run a benchmark: `make bench-history ARGS=--help` is benchmarks/history.py
	$(BIN)/python benchmarks/$*.py $(ARGS)

.PHONY: crd
crd: setup ## Write the Search resource and its admission policy anew from the models of the search file
	$(BIN)/python charts/write_crd.py

.PHONY: chart
chart: crd ## Write the chart's table of values and schema from its comments, and lint it
	$(BIN)/python charts/write_values.py
	for values in charts/archsmith/values.yaml $(wildcard charts/archsmith/ci/*.yaml); do \
		helm lint --strict --quiet --kube-version $(KUBE_VERSION) charts/archsmith --values $$values; done

# Needs Docker with BuildKit. BASE, TORCH_INDEX, TORCH, TORCHVISION: images/README.md.
.PHONY: image
image: ## Build the container image, for the CPU or with CUDA
	DOCKER_BUILDKIT=1 docker build --file images/Dockerfile --tag $(IMAGE) $(foreach arg,BASE TORCH_INDEX TORCH TORCHVISION,$(if $($(arg)),--build-arg $(arg)=$($(arg)))) \
		--build-arg VERSION=$(lastword $(subst :, ,$(IMAGE))) --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null) \
		--build-arg SOURCE=$(shell git remote get-url origin 2>/dev/null | sed 's|//[^/@]*@|//|') .
	@docker image inspect --format '$(IMAGE): {{.Size}} bytes' $(IMAGE)

.PHONY: image-versions
image-versions: ## Pin anew what the image installs, in images/requirements.txt
	DOCKER_BUILDKIT=1 docker build --file images/Dockerfile $(if $(BASE),--build-arg BASE=$(BASE)) --target versions --output images .

# Loads an image into the node unless it is there: `$(call load,name:tag)`; the node may call it by the registry that is left out.
load = docker exec $(CLUSTER)-control-plane ctr --namespace k8s.io images list --quiet | grep -q '\(^\|/\)$(1)$$' || \
	kind load docker-image --name $(CLUSTER) $(1)
# What the image is called in the cluster: by its content, so that one that was built anew is another one there.
LOADED = archsmith:$(shell docker image inspect --format '{{.Id}}' $(IMAGE) 2>/dev/null | cut -c8-19)

.PHONY: image-there
image-there:
	@docker image inspect $(IMAGE) >/dev/null 2>&1 || $(MAKE) image

# Needs Docker, kind, kubectl and helm.
.PHONY: cluster
cluster: image-there ## A Kubernetes cluster on this machine, with Archsmith, MLflow and MinIO; the second call upgrades them
	kind get clusters 2>/dev/null | grep -qx $(CLUSTER) || \
		kind create cluster --config $(KIND_CONFIG) --name $(CLUSTER) $(if $(KIND_IMAGE),--image $(KIND_IMAGE)) --wait 300s
	docker tag $(IMAGE) $(LOADED)
	$(call load,$(LOADED))
	@# Where MinIO's is not here, the node pulls it.
	if docker image inspect $(MINIO_IMAGE) >/dev/null 2>&1; then $(call load,$(MINIO_IMAGE)); fi
	kubectl --context kind-$(CLUSTER) create namespace archsmith --dry-run=client --output yaml | kubectl --context kind-$(CLUSTER) apply --filename -
	kubectl --context kind-$(CLUSTER) label --overwrite namespace archsmith pod-security.kubernetes.io/enforce=restricted
	helm upgrade --install archsmith charts/archsmith --kube-context kind-$(CLUSTER) --namespace archsmith \
		--values charts/archsmith/ci/kind-values.yaml $(call image_values,image,$(LOADED)) $(call image_values,minio.image,$(MINIO_IMAGE)) \
		--wait --wait-for-jobs --timeout 12m $(HELM_ARGS)
	@echo
	@echo 'Pages: http://localhost:30800    MLflow: http://localhost:30500    S3 (MinIO): http://localhost:30900'
	@echo 'Start a search: kubectl --context kind-$(CLUSTER) --namespace archsmith apply -f examples/digits.yaml'

.PHONY: cluster-delete
cluster-delete: ## Remove that cluster, and all that is in it
	kind delete cluster --name $(CLUSTER)

.PHONY: clean
clean: ## Remove caches and built packages; searches in runs/ stay
	rm -rf dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove .venv and .tools as well
	rm -rf .venv .tools
