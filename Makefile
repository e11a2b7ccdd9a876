# Two commands do everything, set-up included: make demo, make test.
SHELL := /bin/sh
.DEFAULT_GOAL := help
UV_VERSION := 0.13.8
BIN := .venv/bin
READY := .venv/.ready
GRADER := $(BIN)/grader
WRONG := tests/mutants/m01_background_tasks/welcome_email/sends_before_answering.py

# Whether the uv that is there already, whose version comes in, is one that reads the lock file.
export RECENT := import re, sys; sys.exit(tuple(map(int, re.findall("[0-9]+", sys.stdin.read())[:2])) < (0, 9))

.PHONY: help setup demo test bench soak kill-table clean

help:
	@echo "make demo    grade every reference solution, then one wrong submission"
	@echo "make test    run the whole test suite"
	@echo "make setup   only set up .venv (the others do so themselves)"
	@echo "make bench   print the figures: how long grading takes"
	@echo "make soak    grade everything again and again under load (hours)"
	@echo "make kill-table    write tests/mutants/README.md anew"
	@echo "make clean   remove .venv, .uv and caches; your exercises and progress stay"

setup: $(READY)

# One script, because what is found at one step is needed at the next.
$(READY): pyproject.toml uv.lock
	@set -eu; \
	python=""; \
	for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if command -v $$each >/dev/null 2>&1 && \
	     $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$each; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer was found: install one (for example: apt install python3 python3-venv, or" \
	       "brew install python) and run make again." >&2; exit 1; fi; \
	python=$$($$python -c 'import sys; print(sys.executable)'); \
	uv=$$(command -v uv || true); \
	if [ -z "$$uv" ] || ! "$$uv" --version 2>/dev/null | $$python -c "$$RECENT"; then \
	  uv=.uv/bin/uv; \
	  if [ ! -x $$uv ]; then \
	    echo "Setting up uv $(UV_VERSION) in .uv ..."; \
	    rm -rf .uv; \
	    "$$python" -m venv .uv >/dev/null 2>&1 || { rm -rf .uv; \
	      echo "$$python cannot make virtual environments: install its venv module (for example: apt install" \
	           "python3-venv) and run make again." >&2; exit 1; }; \
	    .uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || { rm -rf .uv; \
	      echo "uv could not be installed: see the lines above; is there a network? Then run make again." >&2; exit 1; }; \
	  fi; \
	fi; \
	echo "Setting up .venv from uv.lock ..."; \
	if [ -r /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS=true; fi; \
	UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv "$$uv" sync --locked --quiet --python "$$python" || { \
	  echo "The packages could not be installed: see the lines above, mend that, and run make again." >&2; exit 1; }; \
	touch $(READY)

demo: $(READY)
	@echo "Every reference solution, graded by what it does:"
	@echo
	@$(GRADER) check all --solutions --jobs 2
	@echo
	@echo "A wrong submission, and what the world saw of it:"
	@echo
	@$(GRADER) check m01_background_tasks/welcome_email --submission $(WRONG); \
	code=$$?; [ $$code -eq 1 ] || { echo "The wrong submission should have been found out (exit code $$code)." >&2; exit 1; }

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks.bench

soak: $(READY)
	@$(BIN)/python -m tests.benchmarks.soak

kill-table: $(READY)
	@$(BIN)/python -m tests.kill_table --write tests/mutants/README.md

clean:
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
