# Weatherglass: `make demo` starts the demo company, `make test` proves it. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
export WEATHERGLASS_DATABASE_URL ?= sqlite:///var/demo.sqlite

.DEFAULT_GOAL := help
.PHONY: help demo serve test check lint exactness bench bench-memory lost-updates torture fuzz fuzz-check coverage mutants lock screenshots readme clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# The lock file pins every package by version and hash: the same install on every machine. It is complete, so
# nothing is resolved: pip would ask for the newest coverage[toml], which the lock knows only as coverage.
$(VENV)/installed: requirements.lock pyproject.toml
	@echo "installing (once, about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@echo "installing the test tools (once) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/installed ## the demo company in your browser: installs, fills var/demo.sqlite, starts the server
	@$(BIN)/weatherglass demo

serve: $(VENV)/installed ## the server on var/weatherglass.sqlite with the template and no data
	@WEATHERGLASS_DATABASE_URL=sqlite:///var/weatherglass.sqlite $(BIN)/weatherglass serve

test: $(VENV)/installed-dev ## everything: lint, types, floors, tests on SQLite and PostgreSQL, browser tests
	@./.ci/system-packages
	@$(MAKE) --no-print-directory lint
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(VENV)/installed-dev ## ruff, mypy strict, import floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench-memory: $(VENV)/installed-dev ## an import of a million rows takes the memory of one of a hundred thousand
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m bench memory

bench: $(VENV)/installed-dev ## measured against other ways of doing the same, as a table and as var/bench.jsonl; ARGS=--help: parts and sizes
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/installed-dev ## a million random pairs of expression and record over every engine of the language
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m tests.expressions.fuzz $(ARGS)

lost-updates: $(VENV)/installed-dev ## 50 writers, 200 rounds each, on one record over the API: every acknowledged change is there, and no other
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m tests.faults.lost_updates $(ARGS)

KILLS ?= 500
SEED ?= 1
torture: $(VENV)/installed-dev ## KILLS (500) kills, stops, cut-offs and set clocks on both databases while people save, import and assess: nothing is lost, nothing doubled
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m tests.faults.torture --kills $(KILLS) --seed $(SEED) $(ARGS)

coverage: $(VENV)/installed-dev ## every line and branch of the language is run by its own tests: ends with 1 below 100 %
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m pytest tests/expressions -n $(WORKERS) --cov=server.expressions --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 $(ARGS)

SAMPLE ?= 400
mutants: $(VENV)/installed-dev ## does a test fail when the language is changed? SAMPLE changes (400; 0 is all of them), the same ones each time
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m tests.expressions.mutants --sample $(SAMPLE) $(ARGS)

WRITES ?= 10000
exactness: $(VENV)/installed-dev ## results equal counting by hand: every aggregate, window and way, and after WRITES random writes (10000)
	@env -u WEATHERGLASS_DATABASE_URL WEATHERGLASS_TEST_WRITES=$(WRITES) $(BIN)/python -m pytest tests/features/assessment/test_exactness.py tests/features/assessment/test_template.py -n $(WORKERS) $(ARGS)

SECONDS ?= 600
fuzz-check: $(VENV)/installed-dev ## hostile and random texts for the parser and the checker, SECONDS long (600)
	@env -u WEATHERGLASS_DATABASE_URL $(BIN)/python -m tests.expressions.fuzz_check --seconds $(SECONDS) $(ARGS)

lock: $(VENV)/installed-dev ## pin the newest versions that pyproject.toml allows
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra build -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra build --extra dev --extra bench -c requirements.lock -o requirements-dev.lock

screenshots: $(VENV)/installed-dev ## every page, both languages, desktop and phone, into screenshots/
	@env -u WEATHERGLASS_DATABASE_URL WEATHERGLASS_TEST_SCREENSHOTS=screenshots $(BIN)/python -m pytest tests/browser -k test_pages

readme: $(VENV)/installed-dev ## write the README's parts that are made from the code
	@$(BIN)/python -m tests.house.readme

clean: ## forget the installation, keep var/
	@rm -rf $(VENV)
