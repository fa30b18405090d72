# The one entrance for people and CI. Every target installs what it needs into .venv.

# The first Python that is new enough, else python3, to say that it is not.
PYTHON ?= $(or $(firstword $(foreach name,python3 python3.12 python3.13 python3.14,$(shell \
	$(name) -c 'import sys; print("$(name)" if sys.version_info >= (3, 12) else "")' 2>/dev/null))),python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The proxy starts in a third of the time from compiled code, and .venv is ours to write to.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types contracts unit accuracy crosscheck fuzz bench docs lock clean

demo: $(READY)
	$(BIN)/acm demo

test: lint types contracts unit

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports --no-cache

unit: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup -q

accuracy: $(READY)
	$(BIN)/python -m tests.accuracy

# Compares our prices with litellm's, which it downloads and never installs.
crosscheck: $(READY)
	$(BIN)/python -m tests.crosscheck

# Not in the lock, which has what every platform can install.
SECONDS := 30
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet "atheris>=3.1,<4"
	$(BIN)/python -m tests.fuzz $(SECONDS)

bench: $(READY)
	$(BIN)/python -m bench

docs: $(READY)
	$(BIN)/python docs/generate.py

# Regenerate the lock after a change of dependencies.
lock:
	@echo "Setting up $(VENV): about a minute, once"
	@$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.12 \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' || \
		{ echo "error: acm needs Python 3.12 or newer, and $(PYTHON) is older"; \
		  echo "hint: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "error: this Python cannot make virtual environments"; \
		  echo "hint: install its venv package (Debian: apt install python3-venv)"; exit 1; }
	@echo "Setting up $(VENV): about a minute, once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .fuzz
