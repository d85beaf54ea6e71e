#!/bin/sh
# Write requirements/*.txt anew: every version and hash for Python 3.11 to 3.13, naming no host.
# By hand, when a dependency changes; `make environment` only reads them.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
command -v "$uv" >/dev/null || uv=uv
export UV_PYTHON_DOWNLOADS=never

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links "$@"
}

compile requirements/boot.in --output-file requirements/boot.txt
compile --all-extras pyproject.toml --output-file requirements/lab.txt
if grep -nE '://|^-' requirements/boot.txt requirements/lab.txt; then
    echo "lock: these lines name a host or an option" >&2
    exit 1
fi
