#!/usr/bin/env bash
# Installs what `make dist` needs besides Rust, from Debian packages.
set -euo pipefail
need=()
for pair in dpkg-deb:dpkg rpmbuild:rpm qemu-aarch64-static:qemu-user-static lintian:lintian; do
    command -v "${pair%%:*}" >/dev/null || need+=("${pair##*:}")
done
/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || need+=(python3-jsonschema)
[ ${#need[@]} = 0 ] && exit
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${need[@]}" >/dev/null
