# make run     the pretend company's data, end to end, into data/published/revops.duckdb
# make test    everything that is checked: style, types, structure, every test
# make help    the rest
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/.installed

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export RUNTIME__DLTHUB_TELEMETRY := false
export DAGSTER_DISABLE_TELEMETRY := yes

.PHONY: help
help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' Makefile

$(READY): requirements.lock scripts/bootstrap.lock scripts/setup.sh pyproject.toml
	@scripts/setup.sh

.PHONY: setup
setup: $(READY) ## .venv exactly as requirements.lock says
	@:

.PHONY: run
run: $(READY) ## deliver the pretend company's exports, then run the warehouse on them
	$(BIN)/revops sandbox deliver
	$(BIN)/revops run

.PHONY: test
test: $(READY) lint ## lint and every test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

.PHONY: quick
quick: $(READY) ## the tests that take seconds
	$(BIN)/python -m pytest -m "not slow and not browser and not spark and not postgres"

.PHONY: lint
lint: $(READY) python sql structure ## style, types, SQL, rules of the dbt project

.PHONY: python
python: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: sql
sql: $(READY)
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar models tests/dbt

.PHONY: structure
structure: $(READY)
	@mkdir -p target/lint
	@cp "$$($(BIN)/python -c 'from orchestration.transform import manifest_path; print(manifest_path())')" target/lint/manifest.json
	$(BIN)/dbt-bouncer run

.PHONY: format
format: $(READY) ## let ruff lay out the Python code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: lives
lives: $(READY) ## 5,000 random lives of every vendor, faults included, against the warehouse
	REVOPS_LIVES=5000 $(BIN)/python -m pytest --timeout 0 tests/python/connectors/test_random_lives.py

.PHONY: localstripe
localstripe: $(READY) ## the Stripe connector against localstripe (GPL-3.0), in an environment of its own
	test -x .localstripe/bin/localstripe || { python3 -m venv .localstripe && .localstripe/bin/python -m pip install --quiet localstripe==1.15.10; }
	$(BIN)/python -m pytest tests/python/connectors/test_localstripe.py

.PHONY: extraction
extraction: $(READY) ## what reading a million touches from a vendor's API costs, beside a bare loop of requests
	$(BIN)/python -m benchmarks.extract

.PHONY: bench
bench: $(READY) ## what a run costs, step by step, against its SQL alone
	$(BIN)/python benchmarks/run.py

.PHONY: properties
properties: $(READY) ## what must hold for any history, on 5,000 random ones
	REVOPS_EXAMPLES=5000 $(BIN)/python -m pytest --timeout 7200 tests/python/kpis/test_properties.py

.PHONY: oracle
oracle: $(READY) ## every KPI, reading and slice against the pretend company itself, on ten random days
	REVOPS_TRUTH_DAYS=10 $(BIN)/python -m pytest --timeout 7200 tests/python/end_to_end/test_sandbox_truth.py

.PHONY: mutants
mutants: $(READY) ## break every KPI model on purpose; at least 95 % of the breaks must be seen
	$(BIN)/python scripts/mutate_kpis.py --list

.PHONY: clients
clients: $(READY) ## the recipes of docs/bi.md with older DuckDB clients, pandas, Polars and SQLAlchemy
	$(BIN)/python -m pytest tests/clients

.PHONY: planted
planted: $(READY) ## in 50 pretend companies: planted troubles found, false alarms, attribution against known causes
	$(BIN)/python -m benchmarks.planted --seeds 50

.PHONY: kills
kills: $(READY) ## kill a run 500 times and compare what the next one publishes
	KILLS=500 $(BIN)/python -m pytest tests/python/faults/test_kills.py -k random_kills --timeout 0

.PHONY: corruptions
corruptions: $(READY) ## change 400 bytes of published and of raw files, one at a time
	CORRUPTIONS=400 $(BIN)/python -m pytest tests/python/faults/test_corruption.py -k changed_byte

.PHONY: evaluate
evaluate: $(READY) ## how good forecasts and scores are, over five pretend companies run in full
	$(BIN)/python -m benchmarks.insight

.PHONY: ui
ui: $(READY) ## Dagster's web server on 127.0.0.1:3000
	$(BIN)/revops ui

.PHONY: lock
lock: ## compile requirements.lock and scripts/bootstrap.lock anew
	scripts/lock.sh

.PHONY: sbom
sbom: $(READY) ## target/sbom.json, what is installed in CycloneDX, and known vulnerabilities in it
	scripts/sbom.sh

.PHONY: identity
identity: $(READY) ## who is who among a million records of known truth: precision, recall, seconds
	$(BIN)/python benchmarks/identity.py

.PHONY: clean
clean: ## what can be made again, except .venv and data
	rm -rf target logs .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
