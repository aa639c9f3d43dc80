#!/usr/bin/env bash
# shellcheck disable=SC2317
# matrix.sh TARBALL [PART...]: runs the tier `ansible` with every supported ansible-core, and Ansible's own checks of
# the tarball. Parts: 2.16, 2.18, 2.19, newest, sanity, lint, importer.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
tarball=$(realpath "$1"); shift
[ $# -gt 0 ] || set -- 2.16 2.18 2.19 newest sanity lint importer
envs=target/ansible
export REBRIDGE_COLLECTION=$tarball

# tool FOLDER PYTHON PACKAGE...: puts the programs of a virtual environment on PATH.
tool() {
    local folder=$1 python; shift
    python=$(PYTHON=$1 ansible/venv.sh "$envs/$folder" "${@:2}") || return 1
    python=$(realpath -s "$(dirname "$python")")
    PATH=$python:$PATH
    export PATH ANSIBLE_VENV=$envs/$folder
}

# Installs the collection into its own folder and goes there. ansible-test writes into the folder, and skips files that
# git ignores; git ignores everything under target/.
installed() {
    local at; at=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$at'" EXIT
    ansible-galaxy collection install --force --offline -p "$at" "$tarball" >/dev/null 2>&1 || return 1
    ANSIBLE_COLLECTIONS_PATH=$(realpath "$at"); export ANSIBLE_COLLECTIONS_PATH
    cd "$at/ansible_collections/rebridge/docker" || return 1
}

play() {
    ansible --version 2>&1 | sed -n 1p
    cargo test --quiet --locked --test ansible -- --skip whole_
}

sanity() {
    local python get_pip
    HOME=$(realpath $envs)/home; export HOME
    mkdir -p "$HOME"
    python=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    installed || return 1
    # ansible-test downloads pip from its own site. Without that site, use Python's own copy.
    get_pip=$(ansible-test sanity --venv --python "$python" --test shebang --color no 2>&1 | sed -n 's/.*saved to: //p')
    if [ -n "$get_pip" ]; then
        mkdir -p "$(dirname "$get_pip")"
        echo 'import ensurepip; ensurepip.bootstrap()' >"$get_pip"
    fi
    ansible-test sanity --venv --python "$python" --color no >sanity.log 2>&1
    local status=$? ran
    grep -E '^(ERROR|FATAL)' sanity.log
    ran=$(grep -c '^Running sanity test' sanity.log)
    echo "$ran sanity tests"
    [ "$status" = 0 ] && [ "$ran" -ge 20 ]
}

lint() { installed && ansible-lint --offline --profile production --format pep8 .; }

importer() {
    mkdir -p "$envs/importer-at" && cd "$envs/importer-at" || return 1
    python -m galaxy_importer.main "$tarball" 2>&1 | tee importer.log
    grep -q 'Importer processing completed successfully' importer.log && ! grep -qE '^(WARNING|ERROR)' importer.log
}

summary=
failed=0
for part in "$@"; do
    began=$SECONDS
    echo "== $part"
    case $part in
    newest) (tool core-newest 3.13 ansible-core && play) ;;
    2.*) (tool "core-$part" python3 "ansible-core~=$part.0" && play) ;;
    sanity) (tool core-newest 3.13 ansible-core && sanity) ;;
    lint | importer) (tool lint 3.13 ansible-core ansible-lint galaxy-importer && "$part") ;;
    *) echo "no part '$part'"; false ;;
    esac
    # shellcheck disable=SC2181
    if [ $? = 0 ]; then how=passed; else how=FAILED failed=1; fi
    summary+=$(printf '%-9s %s, %d s' "$part" "$how" $((SECONDS - began)))$'\n'
done
printf '\n== matrix\n%s' "$summary"
exit "$failed"
