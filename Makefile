# Everything that a person types. Needs Python 3.11 or newer and make; nothing is installed outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := core clients mappers pipeline solution webhooks portal cli demo simulators bench

.DEFAULT_GOAL := help
.PHONY: help demo run test simulate nightly soak chaos check format docs lock clean

help: ## Show this
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(VENV)/.runtime ## Watch invoices travel, everything on this machine (ARGS=--once runs it and exits)
	@$(BIN)/connector demo $(ARGS)

run: $(VENV)/.dev ## Run the connector's own processes (Procfile) with the settings of .env
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/honcho start

test: $(VENV)/.dev ## Run the tests (ARGS=... goes to pytest)
	@$(BIN)/pytest $(if $(ARGS),$(ARGS),-n 4 --dist loadfile --no-loadscope-reorder -q)

SEEDS ?= $(if $(filter nightly,$(MAKECMDGOALS)),0-9999,$(if $(filter soak,$(MAKECMDGOALS)),0-999,0-299))
BUG ?=
simulate: $(VENV)/.dev ## Let everything break at once: SEEDS=0-299 (the default), SEEDS=7 tells one, BUG=all plants bugs
	@$(BIN)/python -m tests.simulation.simulate $(SEEDS) $(if $(BUG),--bug $(BUG))

nightly: $(VENV)/.dev ## The same for 10,000 seeds
	@$(BIN)/python -m tests.simulation.simulate $(SEEDS)

soak: $(VENV)/.dev ## Simulate random sequences for long: SEEDS=0-999 (the default), one number, or paying-500
	@$(BIN)/python -m tests.simulation.soak $(SEEDS)

CHAOS ?=
chaos: $(VENV)/.dev ## Kill, freeze and cut off real processes amid 2,000 invoices (CHAOS="--invoices 200 --seed 2")
	@$(BIN)/python -m tests.chaos $(CHAOS)

check: $(VENV)/.dev ## Lint, types (strict), import contracts, lock files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(PACKAGES)
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.locks

format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## Renew what documents quote from the code (tables of fields, messages, payments, cancelling and faults, the worked example)
	@$(BIN)/python -m tests.mapping_table
	@$(BIN)/python -m tests.messages_table
	@$(BIN)/python -m tests.payments_table
	@$(BIN)/python -m tests.cancelling_table
	@$(BIN)/python -m tests.catalogue
	@$(BIN)/python -m tests.pictures

lock: ## Renew the lock files from pyproject.toml (needs uv)
	uv pip compile --universal --generate-hashes --python-version 3.11 --upgrade pyproject.toml -o requirements.txt -q
	uv pip compile --universal --generate-hashes --python-version 3.11 --upgrade --extra dev --extra postgresql --extra bridge pyproject.toml -o requirements-dev.txt -q

clean: ## Remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "This needs Python 3.11 or newer; say which one: make PYTHON=/path/to/python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing (on Debian: the package python3-venv)."; rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing the development tools into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
