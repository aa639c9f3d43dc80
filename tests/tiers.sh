#!/usr/bin/env bash
# Runs tiers of tests in the given order, and prints how many tests each ran. A tier fails if one of its programs runs
# none, or ignores one.
#
# Without root, the tier netns runs as root of a user namespace, less the tests of needs-root.txt, which need a device,
# another user or a mount of the machine. What is left out is named at the end.
set -uo pipefail

declare -A ARGUMENTS=([unit]="--lib --test floors --test law" [golden]="--test golden --test words -- --show-output" [cli]="--test cli" [netns]="--test netns -- --test-threads=4 --skip whole_ --skip vm::" [kernel]="--test netns vm:: -- --show-output" [recipes]="--test recipes" [page]="--test page" [docs]="--test docs" [engines]="--test engines -- --skip whole_" [ansible]="--test ansible -- --skip whole_" [boot]="--test boot")
# The tests put every JSON object they see here. At the end all of them must match the published schemas.
REBRIDGE_REPORTS=$(mktemp -d)
export REBRIDGE_REPORTS
summary=
left_out=
failed=0
all_passed=0
all_broken=0

without_root() { [ "$(id -u)" != 0 ]; }
skips=()
if without_root; then
    while read -r test; do skips+=(--skip "$test"); done <tests/needs-root.txt
fi

for tier in "$@"; do
    echo "== $tier"
    arguments=${ARGUMENTS[$tier]}
    inside=()
    if without_root && [[ $tier = netns || $tier = cli ]]; then
        [[ $arguments = *" -- "* ]] || arguments+=" --"
        arguments+=" ${skips[*]}"
        [ "$tier" = cli ] || inside=(unshare --user --map-root-user)
        if ! "${inside[@]}" true; then
            left_out+="the tier $tier: this machine allows no user namespaces"$'\n'
            continue
        fi
    fi
    log=$(mktemp)
    began=$SECONDS
    # shellcheck disable=SC2086
    "${inside[@]}" cargo test --quiet --locked $arguments 2>&1 | tee "$log"
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
without_root && left_out+=$(printf '%s\n' "${skips[@]}" | grep -v '^--skip$')$'\n'
[ -z "$left_out" ] || printf '\n== left out, because they need root\n%s' "$left_out"
printf '\n== tiers\n%s' "$summary"
echo "total: $all_passed passed, $all_broken failed"
exit "$failed"
