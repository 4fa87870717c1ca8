# Everything a newcomer needs: each target prepares what it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

# The suite starts hundreds of processes; none should compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench docs site pictures lock clean

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Marketwarden needs Python 3.11 or newer; set PYTHON=python3.12 or the like")'
	$(PYTHON) -m venv $(VENV)

# The stamps hold the state of the environment: the lock files decide when it is built anew.
$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-test: requirements-test.lock $(VENV)/.ready
	$(PIP) install --quiet --require-hashes -r requirements-test.lock
	@touch $@

demo: $(VENV)/.ready  ## simulated market -> alert queue -> web pages on 127.0.0.1:8000
	$(BIN)/warden demo $(ARGS)

# Three workers on two cores: commands and servers that are waited for leave a core free.
test: $(VENV)/.ready-test  ## the whole suite
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.ready-test  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.ready-test  ## speed as a ratio to peers measured in the same run
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.ready  ## reference pages generated from the code
	$(BIN)/warden docs --out docs/reference

# Not in the lock files: its theme has no release for every Python the project runs on.
site: $(VENV)/.ready  ## the documentation as pages in build/pages/site
	$(PIP) install --quiet "zensical>=0.0.73,<0.1"
	rm -rf build/pages && mkdir -p build/pages && cp -r docs build/pages/docs
	mv build/pages/docs/zensical.toml build/pages/
	$(BIN)/zensical build --strict --config-file build/pages/zensical.toml

pictures: $(VENV)/.ready-test  ## the pictures of README and docs, taken by the browser tests
	WARDEN_PICTURES=docs/pictures $(BIN)/python -m pytest -q -n0 tests/browser/test_pictures.py

lock: $(VENV)/.ready-test  ## new lock files from pyproject.toml (needs `uv` on the path)
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra test -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements-test.lock

clean:
	rm -rf $(VENV) warden-home
