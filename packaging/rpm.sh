#!/usr/bin/env bash
# Makes the RPM package from the Debian one, so that both hold the same files: rpm.sh DEB x86_64|aarch64 FOLDER.
set -euo pipefail
deb=$1 arch=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
: "${SOURCE_DATE_EPOCH:?is not set; set it to the time of the commit}"
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$deb" "$work/tree"
rm -rf "$work/tree/usr/share/lintian"
rm -f "$work/tree/usr/share/doc/rebridge/changelog.Debian.gz"
mkdir "$work/tree/usr/share/zsh/site-functions"
mv "$work"/tree/usr/share/zsh/vendor-completions/_rebridge "$work/tree/usr/share/zsh/site-functions/"
rmdir "$work/tree/usr/share/zsh/vendor-completions"
rpmbuild --quiet -bb --target "$arch-linux" --define "_topdir $work/top" --define "_rpmdir $work/rpms" \
    --define "version_ $version" --define "tree $work/tree" "$here/rpm/rebridge.spec"
mkdir -p "$out"
cp "$work"/rpms/*/*.rpm "$out/"
for rpm in "$out"/rebridge-"$version"-*."$arch".rpm; do echo "$rpm: $(stat -c %s "$rpm") bytes"; done
