#!/usr/bin/env bash
# build.sh VERSION BINARIES OUT: the collection's tarball from this folder and the binaries rebridge-linux-ARCH in a
# folder, with its checksum beside it. Wants ansible-galaxy on PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=$1 binaries=$2 out=$3
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
tar -C "$here" --exclude=./build.sh --exclude=./venv.sh --exclude='__pycache__' --exclude='./plugins/modules/__rebridge_*' -c . | tar -C "$staged" -x
sed -i -e "/^# .make collection/d" -e "s/^version: .*/version: $version/" "$staged/galaxy.yml"
for binary in "$binaries"/rebridge-linux-*; do
    install -m 755 "$binary" "$staged/plugins/modules/__rebridge_linux_${binary##*rebridge-linux-}"
done
mkdir -p "$out"
ansible-galaxy collection build --force --output-path "$out" "$staged" >/dev/null
cd "$out"
tarball=rebridge-docker-$version.tar.gz
sha256sum "$tarball" >"$tarball.sha256"
echo "$out/$tarball: $(stat -c %s "$tarball") bytes, $(tar -tzf "$tarball" | grep -c plugins/modules/__rebridge_) binaries"
