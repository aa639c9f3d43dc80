#!/usr/bin/env bash
# The story of rebridge on a throw-away host: a puzzling outage, first aid, and the cure. Usage: demo.sh BINARY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lab="$here/lab/lab"
name=demo-$$
trap '"$lab" down $name' EXIT

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
on_host() { "$lab" exec "$name" proxy "$@"; }
reach() {
    if on_host timeout 2 bash -c "</dev/tcp/172.17.50.10/8080" 2>/dev/null; then
        echo "172.17.50.10:8080 answers"
    else
        echo "172.17.50.10:8080 does not answer"
        return 1
    fi
}
show() {
    echo "\$ $*"
    on_host "$@"
}

say "A proxy host reaches the on-prem servers in 172.17.0.0/16 through its default route. Docker is not there yet."
"$lab" create --owner $$ "$name" proxy=trixie
root=$("$lab" root "$name" proxy)
cp "$1" "$root/usr/bin/rebridge"
# The packages are already installed; masked units are as good as none.
for unit in docker.service docker.socket; do ln -s /dev/null "$root/etc/systemd/system/$unit"; done
"$lab" boot "$name" proxy
show ip route
reach

say "Then Docker is installed. It takes 172.17.0.0/16 for docker0, and the host loses the servers."
on_host systemctl --quiet unmask docker.service docker.socket
on_host systemctl start docker.socket docker.service
show ip route
reach && { echo "there is no outage to show"; exit 1; }

say "What does rebridge see? It has no configuration, but the failed call left a trace in the kernel."
status=0
show rebridge check || status=$?
[ "$status" = 1 ] || { echo "check exited $status, not 1"; exit 1; }

say "First aid. The operator knows that 172.17 has more servers, and Docker must not restart before the night."
pid=$(on_host cat /run/docker.pid)
show rebridge relieve --yes --avoid 172.17.0.0/16
show ip route show proto 114
reach
[ "$(on_host cat /run/docker.pid)" = "$pid" ] || { echo "Docker was restarted"; exit 1; }

say "The cure, in the window: docker0 moves, and the routes past it go."
show rebridge apply --yes --avoid 172.17.0.0/16
reach
left=$(on_host ip route show table all proto 114)
[ -z "$left" ] || { echo "left over: $left"; exit 1; }

say "A second run has nothing to do."
again=$(on_host rebridge apply --yes --json --avoid 172.17.0.0/16)
echo "\$ rebridge apply --yes --json --avoid 172.17.0.0/16"
grep -E '"(changed|restarted|outcome|msg)"' <<<"$again"
grep -q '"changed": false' <<<"$again"
say "Done. The host is removed."
