#!/usr/bin/env bash
# Fuzzes every target for SECONDS each, starting with the seeds, the golden cases and what earlier runs found.
# Usage: run.sh SECONDS
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?run.sh SECONDS}
tools=$PWD/target/tools
[ -x "$tools/bin/cargo-fuzz" ] || cargo install --quiet --locked --root "$tools" cargo-fuzz
export PATH="$tools/bin:$PATH"
# The sanitizer's flags need a nightly compiler, or a stable one with this variable.
export RUSTC_BOOTSTRAP=1
cargo fuzz build --fuzz-dir .
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
cp -r seeds/. "$seeds"
mkdir -p "$seeds"/{daemon_json,facts}
for facts in ../golden/*/facts.json; do
    case=$(dirname "$facts")
    name=$(basename "$case")
    cp "$facts" "$seeds/facts/$name"
    [ ! -f "$case/daemon.json" ] || cp "$case/daemon.json" "$seeds/daemon_json/$name"
done
status=0
for target in netlink daemon_json facts texts; do
    mkdir -p "corpus/$target"
    echo "== $target"
    cargo fuzz run --fuzz-dir . "$target" "corpus/$target" "$seeds/$target" -- -max_total_time="$seconds" -timeout=10 \
        -max_len=4096 -print_final_stats=1 2>&1 | grep -E 'INITED|DONE|stat::|SUMMARY|panicked|Test unit' || true
    # Remove inputs that reach no code of their own.
    cargo fuzz cmin --fuzz-dir . "$target" "corpus/$target" >/dev/null 2>&1
    if [ -n "$(ls -A "artifacts/$target" 2>/dev/null)" ]; then
        echo "$target: see tests/fuzz/artifacts/$target"
        status=1
    fi
done
exit $status
