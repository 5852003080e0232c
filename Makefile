# Everything happens in .venv and target/; nothing is installed outside this folder. CI calls these targets too (.ci/run).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup build test test-rust model test-python test-v4l2 soundness long-run demo bench compare lint lint-rust lint-python format clean

VENV_PYTHON := .venv/bin/python
PIP_INSTALL := $(VENV_PYTHON) -m pip install
export PIP_QUIET := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# One interpreter for every call of cargo: PyO3 is compiled anew whenever it changes. maturin installs into VIRTUAL_ENV,
# which may be somebody else's environment, and refuses where conda's is set beside it.
export PYO3_PYTHON := $(CURDIR)/$(VENV_PYTHON)
export VIRTUAL_ENV := $(CURDIR)/.venv
unexport CONDA_PREFIX

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.dependencies ## make .venv, with all that building, testing and linting need

.venv/bin/python:
	@setup/check_rust.sh
	@python=$$(setup/find_python.sh); echo "making .venv with $$python"; "$$python" -m venv --clear .venv

# After an edit of the dependencies, and once. pip 25.1 is the first that knows dependency groups.
.venv/.dependencies: pyproject.toml setup/check_opencv.py | .venv/bin/python
	@echo "installing what pyproject.toml asks for"
	@$(PIP_INSTALL) --upgrade 'pip>=25.1'
	@$(PIP_INSTALL) --group dev $$($(VENV_PYTHON) setup/list_dependencies.py)
	@$(VENV_PYTHON) setup/check_opencv.py
	@touch $@

# Always through cargo, which knows better than make what has changed; always a release build. An extension module of
# another name in the package (of another Python, say) would be preferred to ours by the import system, silently.
build: .venv/.dependencies ## build the Rust core and install the package into .venv, in place
	@setup/check_rust.sh
	@find python/billiards_video -name '*.so' ! -name _core.abi3.so -delete
	@.venv/bin/maturin develop --release

test: build test-rust model test-python ## all tests

test-rust: ## the core's own tests and its documentation's examples, and the protocol on real threads
	cargo test --release --package billiards-video --package billiards-video-races

model: ## the protocol under loom: every interleaving, within the bounds that rust/model names
	cargo test --release --package billiards-video-model

test-python:
	$(VENV_PYTHON) -m pytest

soundness: build ## the same promises by force, for an hour or two: docs/soundness.md; needs a nightly Rust and cargo-fuzz
	BILLIARDS_VIDEO_SOUNDNESS=full cargo test --release --package billiards-video --test soundness -- --nocapture --test-threads=1
	BILLIARDS_VIDEO_SOUNDNESS=full cargo test --release --package billiards-video-model -- --nocapture
	BILLIARDS_VIDEO_SOUNDNESS=full $(VENV_PYTHON) -m pytest tests/test_kills.py
	setup/sanitize.sh thread
	setup/sanitize.sh address
	setup/sanitize.sh miri
	setup/sanitize.sh fuzz

long-run: build ## an hour at 1080p60 with readers coming and going, and what grows in it
	$(VENV_PYTHON) -m bench.long_run

test-v4l2: build ## devices on the kernel's own virtual cameras, in a guest machine: VIVID=script, see tests/v4l2/guest.sh
	@tests/v4l2/guest.sh $(VIVID)

demo: build ## a synthetic camera, its page for the browser, a reader, each a process: until Ctrl-C
	@$(VENV_PYTHON) -m billiards_video.demo

bench: build ## the measurements, beside their floors and beside rivals: about an hour
	$(VENV_PYTHON) -m bench.everything

compare: build ## whether this build is slower than that of a revision: BASE=revision, a few minutes
	$(VENV_PYTHON) -m bench.two_builds $(or $(BASE),$(error make compare needs a revision to compare with: BASE=main))

lint: build lint-rust lint-python ## formatting, lints, types, documentation: all that must hold before a commit

lint-rust:
	cargo metadata --locked --format-version 1 >/dev/null
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

lint-python:
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check
	$(VENV_PYTHON) -m mypy python tests bench setup
	$(VENV_PYTHON) -m mypy.stubtest billiards_video._core --mypy-config-file pyproject.toml

format: .venv/.dependencies ## put the formatting right, and what else has an automatic remedy
	cargo fmt --all
	$(VENV_PYTHON) -m ruff check --fix
	$(VENV_PYTHON) -m ruff format

clean: ## remove everything that these targets made
	rm -rf .venv target .mypy_cache .pytest_cache .ruff_cache
	find python setup tests bench '(' -name '*.so' -o -name __pycache__ ')' -prune -exec rm -rf {} +
