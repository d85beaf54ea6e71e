#!/bin/sh
# Make .venv from the hash-locked requirements; nothing to do if they are unchanged.
# PYTHON=/path/to/python3.12 chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/made-from
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1

say() { echo "environment: $*" >&2; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        candidates=$PYTHON
    else
        candidates="python3 python3.13 python3.12 python3.11 python"
    fi
    for candidate in $candidates; do
        if "$candidate" -c "$supported" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    say "no Python 3.11, 3.12 or 3.13 found; tried: $candidates"
    say "expected: one of them on PATH, or PYTHON=/path/to/python3.12 make environment"
    exit 3
}

# what the environment depends on; the folder too, as it is installed editable
wanted() {
    pwd
    cat requirements/boot.txt requirements/lab.txt pyproject.toml scripts/environment.sh
}

if [ -f "$stamp" ] && "$venv/bin/python" -c "$supported" >/dev/null 2>&1 \
    && [ "$(cat "$stamp")" = "$(wanted | cksum)" ]; then
    exit 0
fi

if ! "$venv/bin/python" -c "$supported" >/dev/null 2>&1; then
    python=$(find_python)
    say "making $venv with $("$python" --version)"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        say "$python cannot make a virtual environment"
        say "expected: its venv module; on Debian and Ubuntu: apt-get install python3-venv"
        exit 3
    fi
fi
rm -f "$stamp"
[ -x "$venv/bin/pip" ] || "$venv/bin/python" -m ensurepip >/dev/null
say "installing; the first time this fetches about 500 MB of packages"
"$venv/bin/python" -m pip install --quiet --require-hashes -r requirements/boot.txt
VIRTUAL_ENV=$PWD/$venv
export VIRTUAL_ENV
if ! "$venv/bin/uv" pip install --quiet --require-hashes -r requirements/lab.txt; then
    say "not installed; run it again to go on. Behind a proxy with certificates of its own:"
    say "UV_SYSTEM_CERTS=1 make environment"
    exit 3
fi
"$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation -e .
wanted | cksum > "$stamp"
say "ready: $venv"
