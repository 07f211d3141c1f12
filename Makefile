# make lab         install, then open JupyterLab on notebook 00
# make test        install, then run the tests
# make notebooks   generate notebooks/*.ipynb and notebooks/solutions/*.ipynb from notebooks/source/*.py
# make slides      run the notebooks and write slides/*.html, which open without network (SLIDES="00 05": only these)
# make site        the labs and the notebooks as pages that need no kernel, into site/: needs Node.js, whose npm installs
#                  what live/ names (SITE="00 05": only these notebooks; SITE=labs: none)
# make bench       speed as ratios against peers, about ten minutes: benchmarks/results.md, growth.png
# make check       ruff, types, the examples of docstrings, notebooks generated from their sources
#
# PYTHON=python3.12          another Python, 3.11 or newer (make a new .venv: delete the old one first)
# LAB_ARGS="--no-browser"    arguments for jupyter lab
# LAB_CONFIG=                JupyterLab with nbgrader's menu, which `make lab` leaves out (.jupyter/)
# TEST_ARGS="-m 'not notebook'"    arguments for pytest
# WORKERS=4                  processes that share the test files (default 2)
# TORCH=cpu                  or cuda; without it, as install.py decides: CUDA, 3 GB more, only where there is a GPU
# PIP_ARGS="--index-url ..." arguments for pip or uv, in place of that choice

PYTHON = python3
export TORCH
VENV = .venv
WORKERS = 2
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
CHECKERS = $(VENV)/.checkers
SLIDERS = $(VENV)/.sliders
LAB_CONFIG = $(CURDIR)/.jupyter
ROOT_ARGS = $(if $(filter 0,$(shell id -u)),--allow-root)

# Files of up to 70 MB can be uploaded; a larger one would cut the connection to the kernel.
UPLOADS = --ServerApp.tornado_settings="{'websocket_max_message_size': 73400320}"

# A thread that waits for another gives its core back after 2 ms: advreg_edu/__init__.py, here also for notebooks that
# import torch first.
ifndef OMP_WAIT_POLICY
export GOMP_SPINCOUNT ?= 50000
endif

.PHONY: lab test notebooks slides site bench check

lab: $(INSTALLED)
	JUPYTER_CONFIG_PATH="$(LAB_CONFIG)$(if $(JUPYTER_CONFIG_PATH),:$(JUPYTER_CONFIG_PATH))" \
	$(BIN)/jupyter lab $(ROOT_ARGS) $(UPLOADS) $(LAB_ARGS) notebooks/00_start_here.ipynb

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TEST_ARGS)

notebooks: $(INSTALLED)
	$(BIN)/python -m advreg_edu notebooks

slides: $(SLIDERS)
	$(BIN)/python -m advreg_edu slides $(SLIDES)

site: $(INSTALLED) live/node_modules
	$(BIN)/python -m advreg_edu site $(SITE)

live/node_modules: live/package-lock.json
	npm ci --prefix live --ignore-scripts --no-audit --no-fund
	@touch live/node_modules

bench: $(INSTALLED)
	$(BIN)/python benchmarks/bench.py

check: $(CHECKERS)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m advreg_edu notebooks --check
	$(BIN)/python -m pytest -q tests/test_examples.py tests/test_contributing.py

$(SLIDERS): $(INSTALLED) requirements-slides.txt
	$(BIN)/pip install --no-deps $(PIP_ARGS) -r requirements-slides.txt
	@touch $(SLIDERS)

$(CHECKERS): $(INSTALLED) requirements-check.txt
	$(BIN)/pip install $(PIP_ARGS) -r requirements-check.txt
	@touch $(CHECKERS)

$(INSTALLED): requirements.txt pyproject.toml
	@PIP_ARGS="$(PIP_ARGS)" $(PYTHON) install.py $(VENV)
	@touch $(INSTALLED)
