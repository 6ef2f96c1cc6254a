# Two commands on a fresh machine: `make demo` and `make test`. Both install all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo-out

.PHONY: demo test lint docs install clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

install: $(VENV)/installed

test: install
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation site, into site/; a broken link or reference is an error.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The main job end to end, on the twelve people in examples/: prepare, measure, train, export, read.
demo: install
	rm -rf $(DEMO)
	$(BIN)/python examples/demo.py $(DEMO)

clean:
	rm -rf $(VENV) $(DEMO) build dist site src/*.egg-info
