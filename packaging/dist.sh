#!/usr/bin/env bash
# dist.sh FOLDER VERSION ARCH...: adds schemas, SBOMs and checksums to a release, and smoke-tests every binary.
set -euo pipefail
out=$1 version=$2
shift 2
for schema in packaging/schema/*; do cp "$schema" "$out/"; done
for arch in "$@"; do
    packaging/sbom.py "$arch-unknown-linux-musl" >"$out/rebridge-linux-$arch.cdx.json"
    binary=$out/rebridge-linux-$arch
    run=()
    [ "$arch" = "$(uname -m)" ] || run=("qemu-$arch-static")
    said=$("${run[@]}" "$binary" --version)
    [ "$said" = "rebridge $version" ] || { echo "$binary says '$said'"; exit 1; }
    # One apply to an image goes through files, the plan, the editor and JSON.
    image=$(mktemp -d)
    "${run[@]}" "$binary" apply --root "$image" --avoid 172.17.0.0/16 --json >"$image/report.json"
    grep -q '"bip": "10.200.255.1/24"' "$image/etc/docker/daemon.json"
    /usr/bin/python3 packaging/validate.py "$image" | sed "s|^|$binary: runs; |"
    rm -rf "$image"
done
lintian --allow-root --fail-on error --suppress-tags shared-library-lacks-prerequisites "$out"/*_"$version"-1_*.deb
cd "$out"
sha256sum rebridge-linux-* rebridge_"$version"-1_*.deb rebridge-"$version"-1.*.rpm ./*.schema.json | sed 's|\./||' >SHA256SUMS
sha256sum --quiet -c SHA256SUMS
stat -c '%n %s bytes' rebridge-linux-* ./*.deb ./*.rpm
