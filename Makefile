# Needs make, and Python 3.11 or newer with its venv module. Everything else goes into .venv.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
CHAOS_SECONDS ?= 300
SOAK_SECONDS ?= 3600
FUZZ_EXAMPLES ?= 1000

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEVELOPMENT := .venv/.development-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# A production-like installation, for Django's deployment checks.
DEPLOYED = FAULTLINE_SITE_URL=https://faultline.example FAULTLINE_ALLOWED_HOSTS=faultline.example \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')"

.DEFAULT_GOAL := help
.PHONY: help setup run test check examples screenshots fuzz bench soak chaos clean

help:
	@echo "make run     install, create the first things, load demo data, and serve on $(HOST):$(PORT)"
	@echo "make test    install what tests need and run them all"
	@echo "make check   linters, types, import rules, Django's checks, the OpenAPI document"
	@echo "make screenshots   take the pictures of docs/screenshots anew, with chromium"
	@echo "make fuzz    ask every operation FUZZ_EXAMPLES times for what nobody thought of"
	@echo "make bench   measure"
	@echo "make soak    even load for SOAK_SECONDS, and whether anything grows"
	@echo "make chaos   kill processes at random under load, for CHAOS_SECONDS on each database"
	@echo "make setup   install only"
	@echo "make clean   remove .venv and caches, not the data"

setup: $(RUNTIME)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Faultline needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
		exit 1; }
	$(PYTHON) -m venv .venv

# The engine comes without the pandas and pyarrow it asks for: nothing here uses data frames.
$(RUNTIME): .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable .
	$(PIP) install --constraint constraints.txt --no-deps chdb-core
	@touch $@

$(DEVELOPMENT): $(RUNTIME)
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(RUNTIME)
	$(BIN)/python manage.py bootstrap
	$(BIN)/python manage.py seed_demo --if-empty
	@exec $(BIN)/python manage.py serve --host "$(HOST)" --port "$(PORT)" --welcome

# Two at once: tests mostly wait for engines and clocks. A server they share takes one at a time.
test: $(DEVELOPMENT)
	$(BIN)/python -m pytest $(if $(TEST_CLICKHOUSE_URL),,--numprocesses 2 --dist worksteal)

check: $(DEVELOPMENT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(DEPLOYED) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

# Writes the examples of the OpenAPI document anew, from real answers.
examples: $(DEVELOPMENT)
	KEEP_EXAMPLES=1 $(BIN)/python -m pytest --quiet tests/openapi/test_examples.py

# Takes the pictures in docs/screenshots anew, from the demo data.
screenshots: $(DEVELOPMENT)
	$(BIN)/python -m tests.browser.screenshots

fuzz: $(DEVELOPMENT)
	FUZZ_EXAMPLES="$(FUZZ_EXAMPLES)" $(BIN)/python -m pytest --timeout 0 tests/openapi/test_real_server.py

bench: $(DEVELOPMENT)
	$(BIN)/python -m bench

# Ctrl-C ends the load, checks the counts, and still writes the summary.
soak: $(DEVELOPMENT)
	$(BIN)/python -m bench soak --seconds "$(SOAK_SECONDS)"

# On SQLite, then on PostgreSQL if CHAOS_DATABASE_URL or DATABASE_URL names a server.
chaos: $(DEVELOPMENT)
	$(BIN)/python -m tests.chaos --seconds "$(CHAOS_SECONDS)"

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist ./*.egg-info \
		tests/npm/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
