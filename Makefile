# Một Cửa: everything a developer does. `make` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
# Rebuilt when the lock changes; the stamp carries no time, only the fact that this lock is installed.
STAMP := $(VENV)/.installed
t ?=
QUICK := tests/unit tests/contracts tests/architecture
FAULT_RULES := tests/faults/test_checker.py tests/faults/test_plans.py
# Every process of pytest rewrites every test's assertions, for seconds, unless an earlier run could keep them.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --strip-extras --allow-unsafe

##@ The city
run: $(STAMP) ## Set everything up, start the city and play a day in it; Ctrl-C stops (desks=people: leave the desks to you)
	@$(BIN)/python -m deploy.local run $(if $(desks),--desks $(desks))

demo: $(STAMP) ## The same day, then exit 0 only if every dossier ended as it should
	@$(BIN)/python -m deploy.local demo

##@ Work
check: $(STAMP) ## Format, lint, types, import rules, catalogue, manifests, quick tests (under a minute)
	@mkdir -p .local
	@$(BIN)/ruff format --check -q . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --config pyproject.toml --no-cache > .local/imports.log 2>&1 || { cat .local/imports.log; exit 1; }
	@$(BIN)/python -m libs.catalogue check
	@$(MAKE) --no-print-directory k8s
	@$(BIN)/pytest -q -n 2 $(QUICK)

format: $(STAMP) ## Write the code in its one form
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

test: $(STAMP) ## Every test, on real servers, with a short round of faults (t=path for one)
ifneq ($(t),)
	@$(BIN)/pytest -q $(t)
else
# Tests of integration mostly wait, for restarts and deadlines; journeys keep a browser and a city each busy.
	@$(BIN)/pytest -q -n 4 --dist worksteal $(QUICK) $(FAULT_RULES) tests/integration
	@$(BIN)/pytest -q -n 2 --dist loadfile tests/pipeline tests/journeys
	@$(BIN)/pytest -q -n 2 $(FAULT_RULES:%=--ignore=%) tests/faults
endif

faults: $(STAMP) ## The long round of faults on a running city
	@$(BIN)/python -m tests.faults --long

bench: $(STAMP) bench/.installed ## The figures of docs/performance.md, measured side by side
	@bench/.venv/bin/python -m bench

##@ Generated
pictures: $(STAMP) ## The screenshots of the README, from the journeys
	@MOT_CUA_PICTURES=1 $(BIN)/pytest -q tests/journeys

events: $(STAMP) ## docs/EVENTS.md, JSON Schemas and AsyncAPI from the contracts and what the services read
	@$(BIN)/python -m deploy.partner_bodies
	@$(BIN)/python -m libs.contracts

k8s: $(STAMP) ## Render deploy/k8s and validate it strictly, offline
	@$(BIN)/python -m deploy.k8s

lock: $(STAMP) ## Pin what pyproject.toml asks for, with hashes and without addresses
	@$(COMPILE) -o requirements.lock pyproject.toml
	@$(COMPILE) --extra dev -c requirements.lock -o $(LOCK) pyproject.toml
	@$(COMPILE) -c $(LOCK) -o bench/requirements.lock bench/requirements.in
	@sed -i '/^--/d' requirements.lock $(LOCK) bench/requirements.lock # options say where this machine installs from

##@ Housekeeping
setup: $(STAMP) ## Only create the environment

clean: ## Remove the environment and the city's data
	@$(PYTHON) -m deploy.local.clean
	rm -rf $(VENV) .local bench/.venv bench/.installed

$(STAMP): $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "Creating the environment from $(LOCK) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	@mkdir -p .local && touch $@

bench/.installed: bench/requirements.lock $(LOCK)
	@test -x bench/.venv/bin/python || $(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	@bench/.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r bench/requirements.lock
	@touch $@

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run demo check format test faults bench pictures events k8s lock setup clean help
