# `make` alone prints what there is to make.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

# Most tests of servers wait: for timers, for another process. Four at a time keep two processors busy.
WORKERS ?= 4
SIDE_BY_SIDE := $(PYTEST) --numprocesses=$(WORKERS) --durations=25

# Whatever starts real servers; the rest is quick and runs in `make check` as well.
SLOW_TESTS := agent apiserver bench chart cli cluster demo dns e2e fuzz gitops guides recorder sip standalone tls workflows
QUICK_TESTS := $(filter-out $(SLOW_TESTS:%=tests/%) tests/support,$(patsubst %/,%,$(dir $(wildcard tests/*/test_*.py))))
LONGEST := tests/property tests/unit

##@ Use

.PHONY: help
help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z0-9-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what is missing: Debian packages (root or sudo), then .venv
	@scripts/setup test

.PHONY: demo
demo: ## two SIP edges on this machine, and calls each way through them; leaves nothing behind
	@scripts/setup run
	@$(BIN)/python examples/quickstart/demo.py $(DEMO)

##@ Check

.PHONY: check
check: setup ## lint, types, import contracts and every test that needs no server (under 2 minutes)
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-quick} $(MAKE) --jobs=2 --keep-going --output-sync=target lint quick-tests

.PHONY: test
test: setup lint cluster-parts ## all: check, real Kamailio, Knot and sipp, `trunkline up`, a real API server, a real node
	$(SIDE_BY_SIDE) tests

.PHONY: lint
lint: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check --quiet --output-format concise . || { echo "mend with: make format"; exit 1; }
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: quick-tests
quick-tests: $(LONGEST:tests/%=quick-%) quick-others ## the tests that need no server

# Processes of their own, which `make check` runs side by side: none collects what another runs.
.PHONY: $(LONGEST:tests/%=quick-%) quick-others
$(LONGEST:tests/%=quick-%): quick-%: setup
	$(PYTEST) -q tests/$*

quick-others: setup ## the quick tests but the longest folders
	$(PYTEST) -q $(sort $(filter-out $(LONGEST),$(QUICK_TESTS)))

.PHONY: sip-tests
sip-tests: setup ## calls through a real Kamailio
	$(SIDE_BY_SIDE) tests/sip

# Kubernetes is built from source the first time, ahead of the tests: their time limits are for tests.
.PHONY: cluster-parts
cluster-parts: setup ## the Kubernetes, images and Debian packages that tests run on: a quarter of an hour the first time
	@$(BIN)/python tests/cluster/prepare.py

.PHONY: test-local
test-local: setup lint ## what of `make test` needs no Kubernetes
	$(SIDE_BY_SIDE) tests $(CLUSTER_TESTS:%=--ignore=tests/%)

CLUSTER_TESTS := apiserver chart cluster e2e

.PHONY: test-apiserver
test-apiserver: setup cluster-parts ## CRDs, operator, agent and chart on a real kube-apiserver
	$(SIDE_BY_SIDE) tests/apiserver tests/chart

# Only what is longer with SOAK=1; the rest says nothing new.
RANDOM_CALLS := transfers recovery
SOAK_TESTS := soak_changes soak_idle soak_scale operator_killed operator_losses

.PHONY: soak
soak: setup cluster-parts ## 200 changes, ten minutes idle with 1,000 trunks, killed at each write (45 minutes)
	SOAK=1 $(PYTEST) -s --durations=10 tests/property/test_running.py $(SOAK_TESTS:%=tests/apiserver/test_%.py) tests/sip/test_connections.py $(RANDOM_CALLS:%=tests/sip/test_%_at_random.py) tests/e2e/test_1_install.py tests/e2e/test_2_changes.py

.PHONY: test-cluster
test-cluster: setup cluster-parts ## Trunkline's whole life on a Kubernetes node of the tests' own (needs root)
	$(SIDE_BY_SIDE) tests/cluster tests/e2e

.PHONY: e2e
e2e: setup ## the same on a cluster of yours: KUBECONFIG=... make e2e (and images; tests/README.md)
	@test -n "$${KUBECONFIG:-}" || { echo "set KUBECONFIG to the cluster's; make test-cluster needs none" >&2; exit 2; }
	TRUNKLINE_E2E_KUBECONFIG="$$KUBECONFIG" $(PYTEST) -s tests/e2e

.PHONY: bench
bench: setup ## how fast it is, as ratios that one run measures in turn (20 minutes); BENCH=--help tells more
	@PYTHONPATH=tests:operator:edge:recorder $(BIN)/python -m bench --json build/bench.json $(if $(STRICT),--strict) $(BENCH)

.PHONY: fuzz
fuzz: setup ## 45,000 broken SIP messages against a real edge (10 minutes); FUZZ=--help tells more
	@PYTHONPATH=tests:operator:edge $(BIN)/python -m fuzz --json build/fuzz.json $(FUZZ)

##@ Publish

.PHONY: release
release: setup ## packages, chart, images and their SBOMs of the commit -> dist/ (RELEASE_URL, REGISTRY; docs/versions.md)
	@PYTHONPATH=scripts:tests $(BIN)/python -m release $(RELEASE)

##@ Write

.PHONY: format
format: setup ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: generated
generated: crds rules reference call-records numbering chart ## everything that is generated and checked in, but golden files

.PHONY: crds
crds: setup ## crds/ from the models
	$(BIN)/python -m trunkline.api.crd --write crds/

.PHONY: chart
chart: setup ## the chart's CRDs and table of values, and deploy/, from their sources
	helm=$$($(BIN)/python tests/cluster/binaries.py helm | sed -n 's/.*"helm": "\(.*\)".*/\1/p'); \
	$(BIN)/python scripts/chart.py --write --helm "$$helm"

.PHONY: rules
rules: setup ## docs/rules.md and docs/reasons.md from tests/rules.yaml and the code
	$(BIN)/python scripts/rules.py --write

.PHONY: reference
reference: setup ## docs/reference: fields from the models, commands from their help
	$(BIN)/python scripts/reference.py --write

.PHONY: docs
docs: setup ## the documentation as a site, in build/site; a dead link or any warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "build/site/index.html"

.PHONY: call-records
call-records: setup ## the tables of docs/call-records.md, from the classes of records and events
	$(BIN)/python scripts/call_records.py --write

.PHONY: numbering
numbering: setup ## the edge's numbering plans from libphonenumber's data
	$(BIN)/python scripts/numbering.py --write

.PHONY: golden
golden: setup ## rewrite golden files; read the difference as prose before you commit it
	$(PYTEST) -q tests/golden tests/cli --update-golden || true
	git diff --stat -- tests

.PHONY: constraints
constraints: ## the newest versions that pyproject.toml allows -> constraints.txt
	@scripts/setup test
	$(BIN)/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
	{ sed -n 1p constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } > constraints.txt.new
	mv constraints.txt.new constraints.txt

.PHONY: clean
clean: ## remove .venv and every cache
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
