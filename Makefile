# Every target does its own set-up: a virtual environment in .venv, with initbench installed from this folder.
# .venv/installed marks that initbench is there with what it needs, .venv/tools that the tools of the tests are, too.
PYTHON ?= python3
BIN := .venv/bin
INITBENCH := $(BIN)/initbench

# The ends of what pyproject.toml supports; another Python serves where one of these is lacking.
OLDEST_PYTHON ?= python3.10
NEWEST_PYTHON ?= python3.13

.PHONY: run install example test test-long lint check smoke oldest newest peers bench bench-compare gallery replications claims report sweep \
	sweep-depth sweep-activation sweep-learning-rate sweep-churn clean

run: install
	$(INITBENCH) run configs/relu_deep.yaml
	$(INITBENCH) plot results/
	@echo
	@echo "The tables and figures are in results/relu_deep. To use initbench in this shell:"
	@echo "  source .venv/bin/activate"

install: .venv/installed

.venv/installed: pyproject.toml
	@echo "Installing initbench into .venv; this takes a minute or two, once"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --editable .
	touch $@

.venv/tools: .venv/installed
	@echo "Installing the tools of the tests into .venv; this takes a minute or two, once"
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[test]'
	touch $@

# The table and the figure that README shows.
example: run
	mkdir -p docs/example/relu_deep
	cd results/relu_deep && cp accuracy.md accuracy.csv figures/accuracy.png ../../docs/example/relu_deep

test: .venv/tools
	$(BIN)/python -m pytest -n auto --dist worksteal -q

# What stages a killed run, a full disk, a cluster or a browser, or draws thousands of numbers.
test-long: .venv/tools
	$(BIN)/python -m pytest -n auto --dist worksteal -q -m long

lint: .venv/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The gate. The quick checks come first; the tests include those of README and docs/.
check: lint test

smoke: install
	$(INITBENCH) run configs/smoke.yaml --fresh
	$(INITBENCH) plot results/smoke

# A short selection of tests with the lowest versions that pyproject.toml allows, then with the highest there are.
SUPPORT := tests/golden tests/faults/test_damage.py tests/storage/test_store.py tests/test_plan.py tests/engine/test_train.py
SUPPORT += tests/present/test_sentences.py tests/present/test_tables.py

oldest: PYTHON_THERE = $(OLDEST_PYTHON)
oldest: BOUNDS = --constraint .venv-oldest/bounds.txt
oldest: WARNINGS = -W ignore::DeprecationWarning -W ignore::FutureWarning
newest: PYTHON_THERE = $(NEWEST_PYTHON)
oldest newest:
	rm -rf .venv-$@
	$$($(PYTHON_THERE) --version >/dev/null 2>&1 && echo $(PYTHON_THERE) || echo $(PYTHON)) -m venv .venv-$@
	sed -n '/^dependencies/,/^]/s/.*"\(.*\)>=\(.*\)".*/\1==\2/p' pyproject.toml > .venv-$@/bounds.txt
	.venv-$@/bin/python -m pip install --quiet --disable-pip-version-check $(BOUNDS) --editable . pytest
	.venv-$@/bin/python -m pytest -q -p no:cacheprovider $(WARNINGS) $(SUPPORT)

peers: .venv/tools
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[test,peers]'
	$(BIN)/python -m pytest -q -rs tests/peers

bench: install
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python benchmarks/compare.py --output docs/performance.md
	$(BIN)/python benchmarks/overheads.py

# Two commits, command by command in turn: make bench-compare OLD=v0.1.0 NEW=main
OLD ?= HEAD~1
NEW ?= HEAD
bench-compare: install
	$(BIN)/python benchmarks/commands.py $(OLD) $(NEW)

gallery: install
	$(BIN)/python docs/gallery/draw.py

replications: install
	$(BIN)/python docs/replications/fill.py

claims: install
	$(BIN)/python docs/claims/fill.py

report: install
	$(INITBENCH) run configs/relu_deep.yaml
	$(INITBENCH) report results/

sweep: sweep-depth sweep-activation sweep-learning-rate sweep-churn

sweep-depth sweep-activation sweep-learning-rate: sweep-%: install
	$(INITBENCH) run configs/$(subst -,_,$*)_sweep.yaml
	$(INITBENCH) plot results/$(subst -,_,$*)_sweep

sweep-churn: install
	$(INITBENCH) run configs/churn_tutorial.yaml
	$(INITBENCH) plot results/churn_tutorial

clean:
	rm -rf .venv .venv-oldest .venv-newest build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
