# The two commands: `make demo` shows what Sluicegate does, `make test` proves it.
# Everything they make stays in the checkout, under .venv/ and .sluice/.

PYTHON ?= python3
PYTEST_ARGS ?= -n 2 --dist loadgroup
PACKAGES := measures workflows rules connectors ledger worker console tools bench
BIN := .venv/bin

# Tools that would write caches beside the code or under $HOME keep them here instead.
export RUFF_CACHE_DIR := .sluice/cache/ruff
export MYPY_CACHE_DIR := .sluice/cache/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := .sluice/cache/hypothesis
export XDG_CACHE_HOME := $(CURDIR)/.sluice/cache

.DEFAULT_GOAL := help
.PHONY: help setup setup-run demo test test-servers check fuzz lock bench clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## create or update .venv from the locked requirements
	@$(PYTHON) tools/bootstrap.py --dev

setup-run:
	@$(PYTHON) tools/bootstrap.py

demo: setup-run  ## play one campaign: blocked, cleared, launched, survived a crash
	@$(BIN)/sluice demo

test: setup  ## run the tests
	@$(BIN)/pytest -o cache_dir=.sluice/cache/pytest $(PYTEST_ARGS)

check: setup  ## format, lint, types, imports, rule packs: what a change must pass
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports --cache-dir .sluice/cache/imports
	$(BIN)/sluice rules check
	$(BIN)/sluice rules fmt --check rules/packs
	$(BIN)/sluice rules test --threshold 100

# Tryton and Roundup from the package index; Redmine and Request Tracker from Debian's, as root.
SERVERS ?= ../shared/servers
# Roundup's server runs as nobody, who cannot look below /root.
SERVERS_HOME ?= $(if $(filter 0,$(shell id -u)),/var/tmp/gate-servers,$(HOME)/.cache/gate-servers)
export SERVERS_HOME

test-servers: setup  ## install real servers and test the connectors on them
	@test -d $(SERVERS) || { echo "$(SERVERS) is not there: it holds the scripts"; exit 1; }
	@for one in tryton roundup; do bash $(SERVERS)/$$one/install.sh; done
	@bash tests/servers/debian.sh
	@$(BIN)/pytest -o cache_dir=.sluice/cache/pytest -rs tests/conformance tests/journeys/test_tryton.py

bench: setup  ## measure and write bench/RESULTS.md
	@$(BIN)/python -m bench

FUZZ_SECONDS ?= 60

fuzz: setup  ## feed the readers of rules with bytes for a minute; longer: FUZZ_SECONDS=3600
	@$(BIN)/python tools/fuzz.py --seconds $(FUZZ_SECONDS)

# uv resolves for every supported Python at once; the finished locks need only pip.
LOCK := .sluice/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-config \
	--cache-dir .sluice/cache/uv --custom-compile-command "make lock"

lock:  ## resolve the requirements anew, with hashes (needs the package index)
	@$(PYTHON) -m venv .sluice/lock
	@.sluice/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(LOCK) requirements/build.in --output-file requirements/build.lock
	@$(LOCK) pyproject.toml --constraints requirements/build.lock --output-file requirements/run.lock
	@$(LOCK) pyproject.toml --extra dev --constraints requirements/run.lock --output-file requirements/dev.lock
	@$(LOCK) pyproject.toml --extra fuzz --constraints requirements/run.lock --output-file requirements/fuzz.lock
	@$(LOCK) pyproject.toml --extra peers --constraints requirements/run.lock --output-file requirements/peers.lock

clean:  ## stop what runs, remove the environment and all state of this checkout
	@for stack in .sluice/stack.json .sluice/*/stack.json; do \
		[ ! -e "$$stack" ] || [ ! -x $(BIN)/python ] || $(BIN)/python -m worker.stack --state "$${stack%/*}" --stop || exit; \
	done
	rm -rf .venv .sluice *.egg-info build
