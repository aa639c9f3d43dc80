#!/usr/bin/env bash
# build.sh VERSION BINARIES OUT: builds the collection's tarball in the folder OUT, with its checksum. Takes the binaries
# rebridge-linux-ARCH from the folder BINARIES. Needs ansible-galaxy on PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=$1 binaries=$2 out=$3
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
tar -C "$here" --exclude=./build.sh --exclude=./venv.sh --exclude='__pycache__' --exclude='./plugins/modules/__rebridge_*' -c . | tar -C "$staged" -x
sed -i -e "/^# .make collection/d" -e "s/^version: .*/version: $version/" "$staged/galaxy.yml"
cp "$here/../CHANGELOG.md" "$staged/"
# plugins/modules only has links: Ansible's sanity tests read every file there as text, but skip links.
mkdir "$staged/binaries"
for binary in "$binaries"/rebridge-linux-*; do
    name=$(basename "$binary")
    install -m 755 "$binary" "$staged/binaries/$name"
    ln -s "../../binaries/$name" "$staged/plugins/modules/__$(tr - _ <<<"$name")"
done
mkdir -p "$out"
ansible-galaxy collection build --force --output-path "$out" "$staged" >/dev/null
cd "$out"
tarball=rebridge-docker-$version.tar.gz
sha256sum "$tarball" >"$tarball.sha256"
echo "$out/$tarball: $(stat -c %s "$tarball") bytes, $(tar -tzf "$tarball" | grep -c "^binaries/rebridge-") binaries"
