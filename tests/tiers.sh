#!/usr/bin/env bash
# Runs tiers of tests, cheapest first, and says how many tests each ran. A tier that runs none is a failure, and so is
# one that ignores any.
set -uo pipefail

declare -A ARGUMENTS=([unit]="--lib" [golden]="--test golden -- --show-output" [cli]="--test cli" [netns]="--test netns -- --test-threads=4 --skip whole_" [docs]="--test docs" [engines]="--test engines -- --skip whole_" [ansible]="--test ansible -- --skip whole_" [boot]="--test boot")
# Every JSON object that a test sees comes to lie here and is held against the published schemas.
REBRIDGE_REPORTS=$(mktemp -d)
export REBRIDGE_REPORTS
summary=
failed=0
all_passed=0
all_broken=0

for tier in "$@"; do
    echo "== $tier"
    log=$(mktemp)
    began=$SECONDS
    # shellcheck disable=SC2086
    cargo test --quiet --locked ${ARGUMENTS[$tier]} 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r passed broken ignored < <(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$log") || true
    cases=$(sed -n 's/^\([0-9]* golden cases\)$/, \1/p' "$log")
    rm -f "$log"
    : "${passed:=0}" "${broken:=0}" "${ignored:=0}"
    [ "$status" = 0 ] && [ "$passed" -gt 0 ] && [ "$ignored" = 0 ] || failed=1
    summary+=$(printf '%-8s %3d passed, %d failed, %d ignored, %d s%s' "$tier" "$passed" "$broken" "$ignored" $((SECONDS - began)) "$cases")$'\n'
    all_passed=$((all_passed + passed)) all_broken=$((all_broken + broken))
    unset passed broken ignored
done

/usr/bin/python3 packaging/validate.py tests/golden "$REBRIDGE_REPORTS" || failed=1
rm -rf "$REBRIDGE_REPORTS"
printf '\n== tiers\n%s' "$summary"
echo "total: $all_passed passed, $all_broken failed"
exit "$failed"
