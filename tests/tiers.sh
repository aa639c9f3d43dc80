#!/usr/bin/env bash
# Runs tiers of tests in the given order, and prints how many tests each ran. A tier fails if one of its programs runs
# none, or ignores one.
set -uo pipefail

declare -A ARGUMENTS=([unit]="--lib --test floors --test law" [golden]="--test golden --test words -- --show-output" [cli]="--test cli" [netns]="--test netns -- --test-threads=4 --skip whole_" [recipes]="--test recipes" [page]="--test page" [docs]="--test docs" [engines]="--test engines -- --skip whole_" [ansible]="--test ansible -- --skip whole_" [boot]="--test boot")
# The tests put every JSON object they see here. At the end all of them must match the published schemas.
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
    read -r passed broken ignored idle < <(awk '/^test result:/ { passed += $4; broken += $6; ignored += $8; idle += $4 == 0 }
        END { print passed + 0, broken + 0, ignored + 0, idle + 0 }' "$log")
    cases=$(sed -n 's/^\([0-9]* golden cases\)$/, \1/p' "$log")
    rm -f "$log"
    [ "$status" = 0 ] && [ "$passed" -gt 0 ] && [ "$ignored" = 0 ] && [ "$idle" = 0 ] || failed=1
    summary+=$(printf '%-8s %3d passed, %d failed, %d ignored, %d s%s' "$tier" "$passed" "$broken" "$ignored" $((SECONDS - began)) "$cases")$'\n'
    all_passed=$((all_passed + passed)) all_broken=$((all_broken + broken))
done

/usr/bin/python3 packaging/validate.py tests/golden "$REBRIDGE_REPORTS" || failed=1
rm -rf "$REBRIDGE_REPORTS"
printf '\n== tiers\n%s' "$summary"
echo "total: $all_passed passed, $all_broken failed"
exit "$failed"
