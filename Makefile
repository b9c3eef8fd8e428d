# make run       compare the shipped designs; results in out/compare
# make test      lint, type check and tests
# make ci        what make test leaves to CI: all proofs, notebooks, other simulators
# make campaign  the long tests
# make bench     benchmarks
# make tables    cost tables of our own RTL again: make tables LIBERTY="FILE.lib ..."
# A fresh clone needs python3 >= 3.11 and make; everything else goes into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
INPUTS := pyproject.toml setup.py constraints.txt $(wildcard accelsim/sim/native/*.cc accelsim/sim/native/*.h)
JOBS   ?= 2

# A worker per core: threads of a linear algebra library would only wait for each other.
test ci campaign: export OPENBLAS_NUM_THREADS = 1

.PHONY: run test lint units ci campaign bench tables clean
.DEFAULT_GOAL := test

run: $(STAMPS)/core
	$(BIN)/accelsim compare -o out/compare

# Lint and types take one core for a minute: the tests need not wait for them.
test: $(STAMPS)/dev
	$(MAKE) --no-print-directory -j 2 lint units

units: $(STAMPS)/dev
	$(BIN)/python -m pytest -n $(JOBS)

lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

ci: $(STAMPS)/dev
	ACCELSIM_CI=1 $(BIN)/python -m pytest -n $(JOBS) -m ci

campaign: $(STAMPS)/dev
	ACCELSIM_CAMPAIGN=1 $(BIN)/python -m pytest -m "campaign or ci"

bench: $(STAMPS)/dev
	$(BIN)/python -m pytest benchmarks --benchmark-only

tables: $(STAMPS)/dev
	$(BIN)/python -m accelsim.rtl.synth.tables $(LIBERTY)

$(STAMPS)/venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "accelsim needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	mkdir -p $(STAMPS)
	touch $@

$(STAMPS)/core: $(STAMPS)/venv $(INPUTS)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

# The core is part of dev, so one install serves both.
$(STAMPS)/dev: $(STAMPS)/venv $(INPUTS)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,rtl,synth,dse,cluster,parquet,postgres]'
	touch $@ $(STAMPS)/core

clean:
	rm -rf build dist out $(STAMPS) *.egg-info .pytest_cache .mypy_cache .ruff_cache
