# make demo   convert the first rule to every target and replay its samples
# make test   the whole test suite
# make check  ruff and mypy
# make kill   kill runs at 200 random moments of writing files, with -d and with -o
# make referee       our engines against the vendor's code: needs Maven and a JDK 21 or newer, else says so
# make referee-long  the same with 20,000 random pairs and the whole of SigmaHQ
# make fuzz   inputs of strangers for FUZZ_SECONDS (180): rules, pipelines, cases, queries, logs ...
# Each makes its own virtual environment in .venv; PYTHON chooses the interpreter.

PYTHON ?= python3
BIN := .venv/bin
RULES := sigma/aws

.PHONY: demo test check fuzz kill referee referee-long clean

demo: .venv/installed
	$(BIN)/sigma-convert --target all --output-dir out $(RULES)
	@ls out
	$(BIN)/sigma-convert test samples

test: .venv/installed-dev
	$(BIN)/python -m pytest --numprocesses auto

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy converter tests tools samples

fuzz: .venv/installed-dev
	$(BIN)/python -m tests.fuzz
kill: .venv/installed-dev
	SIGMA_CONVERT_KILLS=200 $(BIN)/python -m pytest -p no:cacheprovider --capture=no tests/cli/test_killed.py

referee: .venv/installed-dev
	$(BIN)/python tools/referee.py

referee-long: .venv/installed-dev
	$(BIN)/python tools/referee.py --examples 20000

clean:
	rm -rf .venv .referee fuzz-findings out dist build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sigma-convert needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/installed
