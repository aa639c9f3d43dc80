#!/usr/bin/env bash
# Builds the same commit in two folders; the results must be equal, byte for byte.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folders=(one another/and-deeper)
# Clone both first: you may go on working meanwhile.
for folder in "${folders[@]}"; do git clone -q . "$work/$folder"; done
for folder in "${folders[@]}"; do make -s -C "$work/$folder" dist; done
diff "$work/one/target/dist/SHA256SUMS" "$work/another/and-deeper/target/dist/SHA256SUMS"
cat "$work/one/target/dist/SHA256SUMS"
echo "two builds in two folders: equal"
