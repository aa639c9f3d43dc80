#!/usr/bin/env bash
# Runs a tool that reads a recipe's language. Usage: tool.sh NAME ARGUMENT..., or tool.sh unpack
#
# The tools are unpacked from Debian's packages into target/recipes, once. Nothing is installed, and no service starts.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)/target/recipes
packages="puppet-agent facter hiera ruby-hocon ruby-thor ruby-deep-merge ruby-concurrent ruby-semantic-puppet
    ruby-sorted-set ruby-rbtree ruby3.1 libruby3.1 libyaml-0-2 libgmp10 nix-bin libarchive13 libboost-context1.74.0
    libcpuid16 libgc1 libsodium23 prometheus packer ignition librsvg2-bin"

unpack() {
    local new=$root.new
    rm -rf "$new"
    mkdir -p "$new/debs"
    # shellcheck disable=SC2086
    (cd "$new/debs" && apt-get download -qq -o APT::Sandbox::User=root $packages)
    for deb in "$new"/debs/*.deb; do dpkg-deb -x "$deb" "$new"; done
    rm -rf "$new/debs" "$root"
    mv "$new" "$root"
}

mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9
if [ ! -d "$root" ]; then
    unpack || { apt-get update -qq && unpack; }
fi
exec 9>&-
[ "$1" != unpack ] || exit 0

libraries=$root/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH=$libraries:$root/usr/lib/nix
RUBYLIB=$root/usr/lib/ruby/vendor_ruby:$root/usr/lib/ruby/3.1.0:$libraries/ruby/3.1.0:$libraries/ruby/vendor_ruby/3.1.0
for gem in "$root"/usr/share/rubygems-integration/all/gems/*/lib{,/concurrent-ruby}; do RUBYLIB+=:$gem; done
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export RUBYLIB HOME=$home NIX_STATE_DIR=$home NIX_STORE_DIR=$home/store CHECKPOINT_DISABLE=1
case $1 in
ruby) "$root/usr/bin/ruby3.1" "${@:2}" ;;
puppet) "$root/usr/bin/ruby3.1" "$root/usr/bin/puppet" "${@:2}" --confdir "$home" --vardir "$home" ;;
*) "$root/usr/bin/$1" "${@:2}" ;;
esac
