# Everything that is done with Sportello. `make help` lists it.
#
# Only python3 (3.11 or newer), make and, for the explorer, Node are needed beforehand. Files that say
# "done" stand in .venv/, so that a second run starts at once.

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
OPERATIONS ?= 5000
kills ?= 6
minutes ?= 10
events ?=
UV_FLAGS ?=

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.NOTPARALLEL:

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
ENVIRONMENT := .venv/.runtime
TOOLS := .venv/.dev
LOCKS := requirements/runtime.txt requirements/dev.txt requirements/build.txt
REFERENCE := docs/reference
SCRATCH := var/check

EXPLORER := api/static/explorer/index.html
EXPLORER_PACKAGES := explorer/node_modules/.package-lock.json
CHAT := api/static/chat/index.html
CHAT_PACKAGES := examples/chat/node_modules/.package-lock.json
CHAT_SOURCES := $(wildcard examples/chat/page/* examples/chat/page/*/*)
CLIENTS_PACKAGES := clients/node_modules/.package-lock.json
PEERS_PACKAGES := benchmarks/peers/node_modules/.package-lock.json
EXPLORER_SOURCES := $(wildcard explorer/index.html explorer/vite.config.js explorer/src/*)

# Node 20.19 or newer, as the explorer's build tool asks for it: of the 22 line 22.12, and no odd line before it.
HAS_NODE := command -v npm >/dev/null 2>&1 && node -e \
	'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' \
	2>/dev/null

##@ Start

help: ## List what make can do.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PORT=8123 chooses another port, PYTHON=python3.12 another interpreter, WORKERS=4 more test processes."

demo: $(ENVIRONMENT) explorer-if-possible ## Serve a shop with real orders, with a ready API key (PORT=8000).
	@$(BIN)/sportello demo data/online_retail_cust_mod5.csv.gz --folder var --port $(PORT)

serve: $(ENVIRONMENT) explorer-if-possible ## Serve your own database, without demo data (PORT=8000).
	@$(BIN)/sportello serve --port $(PORT)

##@ Check

test: $(TOOLS) ## Run the whole suite on SQLite and PostgreSQL, without browser and clients.
	$(BIN)/python -m pytest -n $(WORKERS) -m "not browser and not clients and not fuzz" --cov --cov-fail-under=100

test-browser: $(TOOLS) $(EXPLORER) $(CHAT) ## Test the explorer and the chat page in headless Chromium.
	@for name in chromium chromium-browser google-chrome; do \
		command -v "$$name" >/dev/null 2>&1 && exit 0; \
	done; \
	[ -n "$${CHROMIUM:-}" ] && [ -x "$${CHROMIUM:-}" ] && exit 0; \
	echo "There is no Chromium here: install one (Debian, Ubuntu: apt-get install chromium), or set CHROMIUM to its path." >&2; \
	exit 1
	$(BIN)/python -m pytest -m browser tests/browser

test-clients: $(TOOLS) $(CLIENTS_PACKAGES) ## Run real GraphQL clients, the audits, and the tools that read the schema.
	$(BIN)/python -m pytest -m clients tests/clients

fuzz: $(TOOLS) ## Run generated operations for each role (OPERATIONS=5000): no fault of the server.
	OPERATIONS=$(OPERATIONS) $(BIN)/python -m pytest -n $(WORKERS) -m fuzz tests/fuzz tests/execution --timeout 3600

faults: $(TOOLS) ## Kill, stop and freeze servers, PostgreSQL and the broker (kills=6; 200 is the long run).
	FAULT_KILLS=$(kills) $(BIN)/python -m pytest -n $(WORKERS) -rP tests/faults --timeout 3600

soak: $(TOOLS) ## Write and follow while everything fails in turn (minutes=10, or events=1000000): 0 lost, 0 double.
	$(BIN)/python -m benchmarks.soak $(if $(events),--events $(events),--minutes $(minutes))

check: check-style check-types check-imports check-schema check-migrations check-docs check-locks ## Check style, types, import contracts, schema, migrations, documents, lock files.
	@echo "make check: all is well."

audit: $(TOOLS) ## Look for known security advisories; fails when anything could not be looked up.
	@for file in $(LOCKS); do \
		echo "pip-audit $$file"; \
		$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement "$$file" || { \
			echo "make audit: $$file has an advisory, or one of its packages could not be looked up (see above); nothing is proven." >&2; exit 1; }; \
	done
	@$(HAS_NODE) || { echo "make audit: Node 20.19 or newer is needed to look at the packages of npm." >&2; exit 1; }
	@for folder in explorer examples/chat clients benchmarks/peers; do \
		echo "npm audit $$folder/package-lock.json"; \
		(cd $$folder && npm audit) || { \
			echo "make audit: $$folder has an advisory, or its packages could not be looked up (see above); nothing is proven." >&2; exit 1; }; \
	done

bench: $(TOOLS) peers-if-possible ## Measure all, other servers beside it; figures go to benchmarks/results/ and docs/performance*.md.
	$(BIN)/python -m benchmarks

##@ Make

explorer: $(EXPLORER) $(CHAT) ## Build the explorer, and the chat page (needs Node 20.19 or newer).

schema: $(ENVIRONMENT) ## Write schema/schema.graphql from the code.
	@mkdir -p $(SCRATCH)
	@$(BIN)/sportello schema > $(SCRATCH)/schema.graphql
	@cp $(SCRATCH)/schema.graphql schema/schema.graphql

docs: $(ENVIRONMENT) ## Write docs/reference/ (settings, errors, events) from the code.
	@$(BIN)/sportello docs $(REFERENCE)

lock: $(TOOLS) ## Renew requirements/*.txt after a change of pyproject.toml (UV_FLAGS=--upgrade for newer versions).
	$(call lock_into,requirements)

clean: ## Remove what make made, but never var/, where the data are.
	rm -rf .venv dist explorer/node_modules examples/chat/node_modules clients/node_modules benchmarks/peers/node_modules clients/snippets clients/generated api/static $(SCRATCH) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find api domain schema tests benchmarks alembic -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- how -------------------------------------------------------------------------------------------

.venv/.made:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "There is no $(PYTHON) here: install Python 3.11 or newer, or choose one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Sportello needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Choose another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Making the environment in .venv/ ..."
	@$(PYTHON) -m venv .venv
	@touch $@

$(ENVIRONMENT): .venv/.made requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo "Installing what Sportello runs with ..."
	@$(PIP) --require-hashes --requirement requirements/runtime.txt --requirement requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): $(ENVIRONMENT) requirements/dev.txt
	@echo "Installing what the checks run with ..."
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@touch $@

$(EXPLORER_PACKAGES): explorer/package.json explorer/package-lock.json
	@$(HAS_NODE) || { echo "The explorer needs Node 20.19 or newer (of the 22 line 22.12) with npm; everything else works without it." >&2; exit 1; }
	@echo "Installing what the explorer is built with ..."
	@cd explorer && npm ci --silent
	@touch $@

$(CHAT_PACKAGES): examples/chat/package.json examples/chat/package-lock.json
	@$(HAS_NODE) || { echo "The chat page needs Node 20.19 or newer (of the 22 line 22.12) with npm; everything else works without it." >&2; exit 1; }
	@echo "Installing what the chat page is made of ..."
	@cd examples/chat && npm ci --silent
	@touch $@

$(CLIENTS_PACKAGES): clients/package.json clients/package-lock.json
	@$(HAS_NODE) || { echo "The clients need Node 20.19 or newer (of the 22 line 22.12) with npm; everything else works without it." >&2; exit 1; }
	@echo "Installing the clients that the tests run ..."
	@cd clients && npm ci --silent
	@touch $@

# Their Node is one of the packages: what npm says of the machine's own does not matter.
$(PEERS_PACKAGES): benchmarks/peers/package.json benchmarks/peers/package-lock.json
	@echo "Installing the servers that the product is compared with ..."
	@cd benchmarks/peers && npm ci --silent
	@touch $@

$(EXPLORER): $(EXPLORER_PACKAGES) $(EXPLORER_SOURCES)
	@$(HAS_NODE) || { echo "The explorer needs Node 20.19 or newer (of the 22 line 22.12) with npm; everything else works without it." >&2; exit 1; }
	@echo "Building the explorer ..."
	@cd explorer && npm run --silent build -- --logLevel warn
	@touch $@

# Nothing is built: the page is plain modules, and the library beside them is one too.
$(CHAT): $(CHAT_PACKAGES) $(CHAT_SOURCES)
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd examples/chat && npm run --silent build
	@touch $@

explorer-if-possible:
	@if $(HAS_NODE); then \
		$(MAKE) --no-print-directory --silent explorer || echo "The explorer could not be built (see above); the API works without it." >&2; \
	else \
		echo "The explorer is left out: it needs Node 20.19 or newer (of the 22 line 22.12) with npm. The API works without it." >&2; \
	fi

peers-if-possible:
	@if $(HAS_NODE); then \
		$(MAKE) --no-print-directory --silent $(PEERS_PACKAGES) || echo "The other servers could not be installed (see above); the rest is measured." >&2; \
	else \
		echo "The other servers are left out: installing them needs Node 20.19 or newer (of the 22 line 22.12) with npm." >&2; \
	fi

check-style: $(TOOLS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check-types: $(TOOLS)
	$(BIN)/mypy

check-imports: $(TOOLS)
	$(BIN)/lint-imports

check-schema: $(TOOLS)
	@mkdir -p $(SCRATCH)
	@$(BIN)/sportello schema > $(SCRATCH)/schema.graphql
	@diff -u schema/schema.graphql $(SCRATCH)/schema.graphql || { \
		echo "schema/schema.graphql is not the schema of the code. If the change is meant, run: make schema" >&2; exit 1; }
	@echo "schema/schema.graphql is the schema of the code."

check-migrations: $(TOOLS)
	@mkdir -p $(SCRATCH) && rm -f $(SCRATCH)/migrations.sqlite3*
	@$(BIN)/python -c "$$MIGRATIONS_FIT"
	@echo "The migrations build what the models say."

check-docs: $(TOOLS)
	@rm -rf $(SCRATCH)/reference
	@$(BIN)/sportello docs $(SCRATCH)/reference
	@diff -ru $(REFERENCE) $(SCRATCH)/reference || { \
		echo "$(REFERENCE) is not what the code says. Run: make docs" >&2; exit 1; }
	@echo "$(REFERENCE) is what the code says."

check-locks: $(TOOLS)
	@if grep -nE 'https?://' $(LOCKS); then echo "A lock file names an address; it holds versions and hashes only. Run: make lock" >&2; exit 1; fi
	@for folder in explorer examples/chat clients benchmarks/peers; do \
		if grep -n '"resolved"' $$folder/package-lock.json; then \
			echo "$$folder/package-lock.json names addresses; write it with npm in $$folder/, whose .npmrc leaves them out." >&2; exit 1; fi; \
	done
	@rm -rf $(SCRATCH)/requirements && mkdir -p $(SCRATCH)/requirements && cp $(LOCKS) $(SCRATCH)/requirements
	$(call lock_into,$(SCRATCH)/requirements)
	@diff -ru requirements $(SCRATCH)/requirements || { \
		echo "The lock files do not fit pyproject.toml. Run: make lock" >&2; exit 1; }
	@echo "The lock files fit pyproject.toml."

# On SQLite only, so that it is quick; the tests compare on both databases, and run every migration up and down.
define MIGRATIONS_FIT
import sys
from pathlib import Path
from api import migrations
path = Path("$(SCRATCH)/migrations.sqlite3")
migrations.upgrade(f"sqlite:///{path}")
with migrations.sqlite_connection(path) as connection:
    found = migrations.differences(connection)
if found:
    sys.exit("The migrations do not build what the models say; write a migration for:\n" + "\n".join(map(str, found)))
endef
export MIGRATIONS_FIT

# Versions that a lock file names already stay, so that a second run changes nothing.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
BUILD_REQUIRES := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

define lock_into
	@$(COMPILE) $(UV_FLAGS) --output-file $(1)/runtime.txt pyproject.toml
	@$(COMPILE) $(UV_FLAGS) --extra dev --constraint $(1)/runtime.txt --output-file $(1)/dev.txt pyproject.toml
	@$(BIN)/python -c '$(BUILD_REQUIRES)' | $(COMPILE) $(UV_FLAGS) --constraint $(1)/dev.txt --output-file $(1)/build.txt -
endef

.PHONY: help demo serve test test-browser test-clients fuzz faults soak check audit bench explorer schema docs lock clean explorer-if-possible peers-if-possible \
	check-style check-types check-imports check-schema check-migrations check-docs check-locks
