#!/usr/bin/env bash
# Runs tiers of tests, cheapest first, and says how many tests each ran. A tier that runs none is a failure, and so is
# one that ignores any.
set -uo pipefail

declare -A ARGUMENTS=([unit]="--lib" [golden]="--test golden" [cli]="--test cli" [netns]="--test netns" [engines]="--test engines")
summary=
failed=0

for tier in "$@"; do
    echo "== $tier"
    log=$(mktemp)
    began=$SECONDS
    # shellcheck disable=SC2086
    cargo test --quiet --locked ${ARGUMENTS[$tier]} 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r passed broken ignored < <(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$log") || true
    rm -f "$log"
    : "${passed:=0}" "${broken:=0}" "${ignored:=0}"
    [ "$status" = 0 ] && [ "$passed" -gt 0 ] && [ "$ignored" = 0 ] || failed=1
    summary+=$(printf '%-8s %3d passed, %d failed, %d ignored, %d s' "$tier" "$passed" "$broken" "$ignored" $((SECONDS - began)))$'\n'
    unset passed broken ignored
done

printf '\n== tiers\n%s' "$summary"
exit "$failed"
