#!/usr/bin/env bash
# venv.sh FOLDER [PACKAGE...]: creates a virtual environment with these packages in FOLDER, once, and prints its Python.
# PYTHON=3.13 venv.sh … uses another Python than python3.
set -euo pipefail
folder=$1; shift
uv=$(dirname "$folder")/uv
wanted="${PYTHON:-python3} $*"
if [ "$(cat "$folder/.made" 2>/dev/null)" != "$wanted" ]; then
    mkdir -p "$(dirname "$folder")"
    if [ ! -x "$uv/bin/uv" ]; then
        if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
        fi
        rm -rf "$uv"
        python3 -m venv "$uv"
        "$uv/bin/pip" install --quiet --disable-pip-version-check uv
    fi
    rm -rf "$folder"
    # pyenv's wrappers on PATH only work for the version they are set to; `pyenv prefix` finds the real one.
    python=${PYTHON:-python3}
    if command -v pyenv >/dev/null && found=$(pyenv prefix "$python" 2>/dev/null); then python=$found; fi
    "$uv/bin/uv" venv --quiet --python "$python" "$folder" 2>/dev/null ||
        { echo "cannot find Python $python on this machine, and cannot download it" >&2; exit 1; }
    "$uv/bin/uv" pip install --quiet --python "$folder/bin/python" "$@" >&2
    echo "$wanted" >"$folder/.made"
fi
echo "$folder/bin/python"
