# Two commands on a fresh machine: `make demo` and `make test`. Everything else is here too.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help env demo test check coverage format bench calibration exam soak lock docs wheel clean
.DEFAULT_GOAL := help

help:            ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "supplier-credit needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

env: $(STAMP)    ## build .venv from the lock file

demo: $(STAMP)   ## the whole path on a small simulated platform
	$(BIN)/credit demo

test: $(STAMP)   ## run the tests
	$(BIN)/python -m pytest -n 2

check: $(STAMP)  ## format, lint, types, import layers, docs up to date, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/credit docs build --check
	$(BIN)/python -m pytest -n 2

coverage: $(STAMP) ## every branch of credit/domain, by the tests of credit/domain alone
	$(BIN)/coverage run -m pytest tests/credit/domain credit/domain
	$(BIN)/coverage report

format: $(STAMP) ## format and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP)  ## measure the figures of docs/figures.md and docs/bench; takes hours, needs .[bench,spark]
	$(BIN)/python -m bench
	$(BIN)/python -m bench.features
	$(BIN)/python -m bench.beside
	$(BIN)/python -m bench.estimators
	$(BIN)/python -m bench.intervals
	$(BIN)/python -m bench.scoring
	$(BIN)/python -m bench.decisions
	$(BIN)/python -m bench.portfolio
	$(BIN)/python -m bench.book
	$(BIN)/python -m bench.night
	$(BIN)/python -m bench.night_on_spark

exam: $(STAMP)    ## how hard the simulated platform is, to docs/exam.md; needs .[exam]
	$(BIN)/python -m bench.exam

calibration: $(STAMP) ## simulate and write docs/calibration.md
	$(BIN)/python -m bench.calibration

soak: $(STAMP)   ## long fault tests: real kills during imports and on the book, altered bank files
	$(BIN)/python -m pytest -n 0 tests/soak --soak

docs: $(STAMP)   ## regenerate the reference pages, and the site in ./site
	$(BIN)/credit docs build --site site

lock: $(STAMP)   ## resolve requirements.lock anew for all supported Pythons
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-header --group dev pyproject.toml -o requirements.lock

wheel: $(STAMP)  ## build the wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .

clean:           ## remove the environment and what runs have written
	rm -rf $(VENV) var dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
