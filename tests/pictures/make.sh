#!/usr/bin/env bash
# Draws the pictures of the documents, from real runs on a throw-away host. Usage: make.sh BINARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lab="$here/../lab/lab"
out="$here/../../docs/pictures"
name=pictures-$$
python3=/usr/bin/python3
"$python3" -c 'import cairosvg, pyte' 2>/dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-cairosvg python3-pyte >/dev/null
trap '"$lab" down $name' EXIT

on_host() { "$lab" exec "$name" proxy "$@"; }
# picture CODE FILE ARGUMENT...: draws a run of `rebridge ARGUMENT...` on the host, which must exit with CODE.
picture() {
    local wanted=$1 file=$2 code=0
    shift 2
    "$python3" "$here/terminal.py" "$out/$file.svg" "rebridge $*" "$lab" exec "$name" proxy rebridge "$@" || code=$?
    [ "$code" = "$wanted" ] || { echo "rebridge $* exited $code, not $wanted"; exit 1; }
    echo "$file.svg: rebridge $*"
}

mkdir -p "$out"
"$lab" create --owner $$ "$name" proxy=trixie
root=$("$lab" root "$name" proxy)
cp "$1" "$root/usr/bin/rebridge"
"$lab" boot "$name" proxy
"$lab" image "$name" proxy
on_host docker run -d --name web --restart=always busybox sh -c 'trap "exit 143" TERM; while :; do sleep 1 & wait; done' >/dev/null
on_host timeout 2 bash -c "</dev/tcp/172.17.50.10/8080" 2>/dev/null && { echo "there is no outage to show"; exit 1; }

picture 1 check check
picture 0 map map --avoid 172.17.0.0/16 --svg /root/map.svg
cp "$root/root/map.svg" "$out/map-before.svg"
picture 0 apply apply --avoid 172.17.0.0/16
on_host rebridge map --avoid 172.17.0.0/16 --svg /root/map.svg >/dev/null
cp "$root/root/map.svg" "$out/map-after.svg"
on_host timeout 2 bash -c "</dev/tcp/172.17.50.10/8080"
grep -q 'CLASH with 172.17.0.0/16' "$out/map-before.svg"
if grep -q CLASH "$out/map-after.svg"; then echo "the map still shows a clash after apply"; exit 1; fi
REBRIDGE_PICTURES="$out" cargo test --quiet --locked --test page browser >/dev/null
echo "fleet.png, fleet-narrow.png: rebridge fleet --html"
for file in "$out"/*.svg; do "$python3" -c 'import sys, xml.dom.minidom as xml; xml.parse(sys.argv[1])' "$file"; done
"$python3" "$here/ink.py" "$out"/map-*.svg "$here"/../golden/*/map.svg
