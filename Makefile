# 試す: make demo (http://localhost:8501)   検査する: make test
# Needs python3 >= 3.11 and the Python package index, nothing else; installs into .venv and nowhere else.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := uv==0.13.9
EXTRAS := --extra edge --extra centre --extra dashboards --extra synthetic --extra test
LOCK   := --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 --quiet
EVERY  := --universal --fork-strategy fewest
EDGE   := pyproject.toml --extra edge $(LOCK) -c requirements.lock
BUNDLE := dist/mchdb-edge
FETCH   = $(BIN)/python -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --python-version 3.11 -d $(BUNDLE)/wheels
VERSION = $(shell $(BIN)/python -c "from importlib.metadata import version; print(version('mchdb'))")

.PHONY: demo test lint format bench browser edge-bundle lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/mchdb demo

# What needs the whole machine runs first and alone; the rest shares both cores.
test: lint browser
	$(BIN)/python -m pytest -q -m alone || test $$? -eq 5
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone"

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed
	$(BIN)/python -m pytest -q -s -o python_files='bench_*.py' tests/benchmarks

# A browser is no Python package: root installs Debian's, everybody else uses what is there (without one its tests skip).
browser:
	@lacking=""; \
	command -v chromium || command -v chromium-browser || command -v google-chrome || lacking="chromium"; \
	test -n "$$(fc-list :lang=ja 2>/dev/null)" || lacking="$$lacking fonts-noto-cjk fontconfig"; \
	if test -z "$$lacking"; then exit 0; fi; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$lacking >/dev/null; \
	else echo "不足 / lacking: $$lacking (ブラウザの試験は省かれることがあります / browser tests may be skipped)"; fi

# Everything a machine without a network needs for `mchdb edge`: wheels for 64-bit Windows and Linux (Python 3.11), their
# hashes, and a script that installs from the folder alone.
edge-bundle: $(VENV)/installed
	rm -rf $(BUNDLE) $(BUNDLE).zip && mkdir -p $(BUNDLE)/wheels
	$(BIN)/python -m hatchling build -t wheel -d $(BUNDLE)/wheels
	cp requirements-edge-windows.lock requirements-edge-linux.lock pipelines/edge/bundle/* LICENSE $(BUNDLE)/
	$(BIN)/python -m pip hash $(BUNDLE)/wheels/mchdb-*.whl | sed -n 's/^--hash=/mchdb==$(VERSION) --hash=/p' | \
	    tee -a $(BUNDLE)/requirements-edge-windows.lock >> $(BUNDLE)/requirements-edge-linux.lock
	$(FETCH) -r requirements-edge-windows.lock --platform win_amd64
	$(FETCH) -r requirements-edge-linux.lock $(foreach glibc,17 24 26 27 28,--platform manylinux_2_$(glibc)_x86_64) --platform manylinux2014_x86_64
	cd $(BUNDLE) && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum > SHA256SUMS
	cd dist && $(abspath $(BIN)/python) -m zipfile -c mchdb-edge.zip mchdb-edge/

lock: $(VENV)/installed
	$(PYTHON) -m venv $(VENV)/lock-tool
	$(VENV)/lock-tool/bin/pip install --quiet $(UV)
	$(VENV)/lock-tool/bin/uv pip compile pyproject.toml $(EXTRAS) $(EVERY) $(LOCK) -o requirements.lock
	$(VENV)/lock-tool/bin/uv pip compile pyproject.toml --extra scale $(EVERY) $(LOCK) -c requirements.lock -o requirements-scale.lock
	$(VENV)/lock-tool/bin/uv pip compile $(EDGE) --python-platform windows -o requirements-edge-windows.lock
	$(VENV)/lock-tool/bin/uv pip compile $(EDGE) --python-platform linux -o requirements-edge-linux.lock

clean:
	rm -rf $(VENV) demo dist build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps: the locked packages, and the project itself (editable, so that a changed line needs no install).
$(VENV)/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 以上が必要です / Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.12" % sys.version_info[:2])'
	@start=$$(date +%s) && $(PYTHON) -m venv $(VENV) && \
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
	echo "導入 / install: $$(( $$(date +%s) - start )) s" && touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable . && touch $@
