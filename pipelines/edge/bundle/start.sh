#!/bin/sh
# Installs mchdb beside this file, from this folder alone: no network, no administrator.
set -eu
cd "$(dirname "$0")"
if test ! -e mchdb/installed; then
    python="$(command -v python3.11 || command -v python3 || true)"
    if ! "${python:-false}" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
        echo "Python 3.11 が必要です。 / Python 3.11 is required." >&2
        exit 64
    fi
    sha256sum --check --quiet SHA256SUMS
    "$python" -m venv mchdb
    mchdb/bin/python -m pip install --quiet --no-index --find-links wheels --require-hashes -r requirements-edge-linux.lock
    touch mchdb/installed
fi
exec mchdb/bin/mchdb edge "$@"
