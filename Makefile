# The repository's commands; `make` alone lists them. Each sets up what it needs, once.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
PINS := constraints.txt pyproject.toml tools/env/setup.py

# Read by the tables at the end: what lies between is the set-up.
export EMPROPS_MAKE_STARTED := $(shell date +%s)

# Keeps what is told and what is wrong in the order in which they happened.
export PYTHONUNBUFFERED := 1

# On what `make pdf` and `make brief` print: a4 or us-letter.
PAPER := a4

.PHONY: help html live pdf brief sheet test lint lock records mutants nightly contract clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

html: $(VENV)/.ready-docs ## Build the manual into build/html; warnings are errors
	@$(BIN)/python tools/build_html.py

live: $(VENV)/.ready-docs ## Serve the manual on this machine, rebuilt and reloaded on every save
	@$(BIN)/sphinx-autobuild -n -c . -d build/live-doctrees source build/live \
		--watch packages --watch tools --watch _templates --watch _static --watch conf.py --watch CHANGELOG.md \
		--re-ignore '__pycache__|\.py[co]$$' --host 127.0.0.1 --port 8000

pdf: $(VENV)/.ready-docs ## Print the whole manual as a PDF file (PAPER=us-letter for another paper)
	@$(BIN)/python tools/build_pdf.py manual --paper $(PAPER)

brief: $(VENV)/.ready-docs ## Print the leadership brief as a PDF file
	@$(BIN)/python tools/build_pdf.py brief --paper $(PAPER)

sheet: $(VENV)/.ready-test ## Show every page of both PDF files as images in build/pdf/sheet
	@$(BIN)/python tools/pdf_sheet.py

test: $(VENV)/.ready-test ## Check everything: lint, types, layers, the manual, all tests
	@$(BIN)/python tools/checks.py test

lint: $(VENV)/.ready-test ## Check rules, format, types and layers only
	@$(BIN)/python tools/checks.py lint

lock: build/tools/uv/bin/uv ## Remake constraints.txt after a change to the dependencies (for all the newest: rm it first)
	@echo "Resolving for Python 3.11 and newer …"
	@build/tools/uv/bin/uv pip compile pyproject.toml --quiet --all-extras --universal \
		--python-version 3.11 --no-header --no-annotate -o constraints.txt
	@if grep -nE '://|^-| @ ' constraints.txt; then \
		echo "constraints.txt names a place and not only versions, see above: resolve without it." >&2; exit 1; fi
	@echo "constraints.txt holds $$(grep -c == constraints.txt) versions."

records: $(VENV)/.ready-docs ## Make the recorded runs that pages show anew
	@cd tools && ../$(BIN)/python -m recording

mutants: $(VENV)/.ready-mutants ## Change the core a little, again and again: its tests must notice (some minutes)
	@$(BIN)/python tools/mutants.py

nightly: $(VENV)/.ready-test ## Search long: property tests and chaos in their long profiles (about half an hour)
	@$(BIN)/python tools/nightly.py

contract: $(VENV)/.ready-test ## Accept a change of names and values that users rely on
	@$(BIN)/python tools/contract.py

clean: ## Remove everything that was built (the environment .venv stays)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.ready-%: $(PINS)
	@python=$$(tools/env/find-python) && "$$python" tools/env/setup.py $*

build/tools/uv/bin/uv: Makefile
	@echo "Installing uv $(UV_VERSION) into build/tools …"
	@python=$$(tools/env/find-python) && "$$python" -m venv build/tools/uv
	@build/tools/uv/bin/pip install --quiet uv==$(UV_VERSION)
	@touch $@
