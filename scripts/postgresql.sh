#!/bin/sh
# A PostgreSQL server for the store's tests, from Debian or Ubuntu; nothing to do if it is there.
# The tests start and stop it themselves, on the loopback address and in a folder of their own.
set -eu

say() { echo "postgresql: $*" >&2; }

for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb; do
    if [ -x "$initdb" ]; then
        say "found $(dirname "$initdb")"
        exit 0
    fi
done
if ! command -v apt-get >/dev/null; then
    say "no apt-get; expected: initdb and pg_ctl on PATH, by this system's own means"
    exit 3
fi
if [ "$(id -u)" != 0 ]; then
    say "installing needs root; expected: sudo sh scripts/postgresql.sh"
    exit 3
fi
say "installing Debian's postgresql"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends postgresql >&2
