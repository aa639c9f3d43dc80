#!/usr/bin/env bash
# Makes the Debian package from a built binary: deb.sh BINARY amd64|arm64 SHARE FOLDER. SHARE holds the manual pages and
# completions. Uses only dpkg-deb: debhelper would have nothing to compile, and cargo-deb takes longer to build than all
# of rebridge. All times are SOURCE_DATE_EPOCH, so that the same input gives the same bytes.
set -euo pipefail
binary=$1 arch=$2 share=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")-1
: "${SOURCE_DATE_EPOCH:?is not set; set it to the time of the commit}"
export SOURCE_DATE_EPOCH
umask 022
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
put() { install -D -m "$1" "$2" "$tree/$3"; }
pack() { mkdir -p "$(dirname "$tree/$1")"; gzip -9n >"$tree/$1"; }
doc=usr/share/doc/rebridge

put 755 "$binary" usr/bin/rebridge
for page in "$share"/man/*.1; do
    name=${page##*/}
    pack "usr/share/man/man1/$name.gz" <"$page"
done
put 644 "$share/completions/rebridge.bash" usr/share/bash-completion/completions/rebridge
put 644 "$share/completions/_rebridge" usr/share/zsh/vendor-completions/_rebridge
put 644 "$share/completions/rebridge.fish" usr/share/fish/vendor_completions.d/rebridge.fish
for unit in "$here"/systemd/*; do put 644 "$unit" "usr/lib/systemd/system/$(basename "$unit")"; done
put 644 "$here/default" etc/default/rebridge
for example in "$here"/../cloud-init/*; do put 644 "$example" "$doc/examples/cloud-init/$(basename "$example")"; done
for schema in "$here"/schema/*; do put 644 "$schema" "usr/share/rebridge/schema/$(basename "$schema")"; done
put 644 "$here/../README.md" "$doc/README.md"
for page in "$here"/../docs/*.md; do put 644 "$page" "$doc/docs/$(basename "$page")"; done
put 644 "$here/deb/copyright" "$doc/copyright"
pack "$doc/changelog.gz" <"$here/../CHANGELOG.md"
pack "$doc/changelog.Debian.gz" <<TEXT
rebridge ($version) unstable; urgency=medium

  * Built from the sources of this version; see changelog.gz.

 -- $(sed -n 's/^Maintainer: //p' "$here/deb/control")  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
TEXT
mkdir -p "$tree/usr/share/lintian/overrides"
put 644 "$here/deb/lintian-overrides" usr/share/lintian/overrides/rebridge

mkdir "$tree/DEBIAN"
for script in postinst prerm postrm; do put 755 "$here/deb/$script" "DEBIAN/$script"; done
echo /etc/default/rebridge >"$tree/DEBIAN/conffiles"
size=$(du -sk --apparent-size --exclude=DEBIAN "$tree" | cut -f1)
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" "$here/deb/control" >"$tree/DEBIAN/control"
(cd "$tree" && find usr etc -type f | LC_ALL=C sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
sed -i '/ etc\/default\/rebridge$/d' "$tree/DEBIAN/md5sums"
mkdir -p "$out"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$out/rebridge_${version}_$arch.deb" >/dev/null
echo "$out/rebridge_${version}_$arch.deb: $(stat -c %s "$out/rebridge_${version}_$arch.deb") bytes"
