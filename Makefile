# Every command of this repository. `make` alone prints the list.
# `.venv` sets itself up: nothing but Python 3.11 or newer (with its venv module), git and make is needed.
# Tests of signing also run openssl, ssh-keygen, ssh-agent, SoftHSM2 and Node.js, and are skipped without them.

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# What the coverage gate asks where the adapters were not tested; the whole asks 95 %.
COVERAGE ?= --cov-fail-under=90
# Processes that run tests at the same time.
JOBS ?= auto
# The interpreter whose frameworks are tested, where it exists.
FRAMEWORKS_PYTHON ?= python3.11
# Other interpreters that run the quick tests too, where they exist.
OTHER_PYTHONS ?= python3.11 python3.12 python3.13

# The interpreter of `.venv`: the first that is new enough and can make an environment.
CANDIDATES := python3 python3.13 python3.12 python3.11
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in $(CANDIDATES); do \
	if "$$name" -c "$(USABLE)" 2>/dev/null; then command -v "$$name"; break; fi; done)

PIP_OPTIONS := --quiet --disable-pip-version-check --no-input --constraint constraints.txt

# The repository decides what Python imports and, by `.gitignore`, where bytecode lies: without
# bytecode every test of the command line would compile the library again.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PYTHONSTARTUP

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-quick test-others test-frameworks test-slow lint format bench docs vectors schema clean

help: ## print this table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- environments ----------------------------------------------------------------------------------

$(VENV)/.pip: constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
	  echo "No Python 3.11 or newer with its venv module was found."; \
	  echo "On Debian or Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3"; \
	  exit 1; fi
	@if ! [ -x $(BIN)/python ]; then \
	  echo "Setting up $(VENV) with $(PYTHON)"; "$(PYTHON)" -m venv $(VENV); fi
	@$(BIN)/python -m pip install $(PIP_OPTIONS) pip  # the one inside Python knows no dependency groups
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt $(VENV)/.pip
	@echo "Installing the library and what the demo needs"
	@$(BIN)/python -m pip install $(PIP_OPTIONS) --build-constraint constraints.txt --editable . --group demo
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "Installing what tests, lint and documentation need"
	@$(BIN)/python -m pip install $(PIP_OPTIONS) --group dev
	@touch $@

$(VENV)-bench/.bench: pyproject.toml constraints.txt $(VENV)/.pip
	@echo "Setting up $(VENV)-bench with the tools that we are measured against"
	@"$(PYTHON)" -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install $(PIP_OPTIONS) pip
	@$(VENV)-bench/bin/python -m pip install $(PIP_OPTIONS) --build-constraint constraints.txt --editable . --group bench
	@touch $@

# The frameworks have pins of their own, and their torch has wheels for Python 3.11 alone.
$(VENV)-frameworks/.frameworks: pyproject.toml constraints-frameworks.txt constraints.txt
	@echo "Setting up $(VENV)-frameworks with torch and what trains with it, about 3 GB"
	@$(FRAMEWORKS_PYTHON) -m venv $(VENV)-frameworks
	@$(VENV)-frameworks/bin/python -m pip install $(PIP_OPTIONS) pip
	@$(VENV)-frameworks/bin/python -m pip install $(PIP_OPTIONS:constraints.txt=constraints-frameworks.txt) \
	  --build-constraint constraints.txt --editable . --group frameworks
	@touch $@

.venv-%/.test: pyproject.toml constraints.txt
	@echo "Setting up .venv-$*"
	@$* -m venv .venv-$*
	@.venv-$*/bin/python -m pip install $(PIP_OPTIONS) pip
	@.venv-$*/bin/python -m pip install $(PIP_OPTIONS) --build-constraint constraints.txt --editable . --group test
	@touch $@

# --- what a user runs ------------------------------------------------------------------------------

demo: $(VENV)/.demo ## record, release, sign and verify a real training run, then tamper with it
	@$(BIN)/python docs/examples/digits/demo.py

# --- what a developer runs -------------------------------------------------------------------------

test: test-others test-frameworks ## run all tests but the slow ones, with the coverage gate
	@$(MAKE) --no-print-directory test-quick \
	  COVERAGE="$$(if [ -e $(VENV)-frameworks/.tested ]; then echo --cov-append; else echo $(COVERAGE); fi)"

# By themselves the quick tests leave the adapters out.
test-quick: $(VENV)/.dev
	$(PYTEST) -m "not slow" --numprocesses=$(JOBS) --cov --cov-report=term $(COVERAGE)

test-frameworks: ## train with real frameworks, where Python 3.11 and their packages can be had
	@rm -f $(VENV)-frameworks/.tested
	@if ! "$(FRAMEWORKS_PYTHON)" -c "$(USABLE)" 2>/dev/null; then why="$(FRAMEWORKS_PYTHON) is not here"; \
	elif ! $(MAKE) --no-print-directory $(VENV)-frameworks/.frameworks; then why="they could not be installed"; \
	else $(VENV)-frameworks/bin/python -m pytest tests/frameworks -p no:cacheprovider \
	  --numprocesses=$(JOBS) --cov --cov-report= --cov-fail-under=0 || exit 1; touch $(VENV)-frameworks/.tested; exit 0; fi; \
	echo "The frameworks are left out: $$why"; [ -z "$$PROVENANCE_REQUIRE_FRAMEWORKS" ]

test-others: $(VENV)/.dev
	@own=$$($(BIN)/python -c 'import sys; print("python%d.%d" % sys.version_info[:2])'); \
	for name in $(OTHER_PYTHONS); do \
	  if [ "$$name" = "$$own" ]; then continue; fi; \
	  if ! "$$name" -c "$(USABLE)" 2>/dev/null; then echo "$$name is not here: left out"; continue; fi; \
	  $(MAKE) --no-print-directory ".venv-$$name/.test" || exit 1; \
	  echo "Quick tests with $$name"; \
	  ".venv-$$name/bin/python" -m pytest -q -m "not slow and not property" --ignore=tests/docs \
	    --numprocesses=$(JOBS) -p no:cacheprovider || exit 1; \
	done

test-slow: $(VENV)/.dev ## run the slow tests: clean install and long suites
	$(PYTEST) -m slow --durations=10

lint: $(VENV)/.dev ## check style, types and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=tests $(BIN)/python -m generate --check
	PYTHONPATH=tests $(BIN)/python -m vectors --check

format: $(VENV)/.dev ## let the formatter and the safe fixes rewrite the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)-bench/.bench ## measure speed side by side with other tools, and write the performance page
	@cd tests && for module in bench_table bench_units; do \
	  ../$(VENV)-bench/bin/python -m benchmarks.$$module || exit 1; done
	@cd tests && ../$(VENV)-bench/bin/python -m benchmarks.performance_page

docs: $(VENV)/.dev ## build the site strictly into docs/_build/html
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet -b html docs docs/_build/html
	@echo "The site is docs/_build/html/index.html"

vectors: $(VENV)/.dev ## write spec/vectors/ again from their generators
	PYTHONPATH=tests $(BIN)/python -m vectors

schema: $(VENV)/.dev ## write spec/schema/, spec/registry/ and the generated reference pages again
	PYTHONPATH=tests $(BIN)/python -m generate

clean: ## remove environments, builds, caches and what the demo wrote
	rm -rf .venv .venv-* build dist demo docs/_build .coverage .coverage.* htmlcov
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
