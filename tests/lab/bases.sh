# shellcheck shell=bash disable=SC2154
# Sourced by `lab`: builds the file systems of the hosts, one for each Debian suite, from the packages of the mirror
# this machine itself uses. A base is built beside its place and renamed when whole; its recipe's hash tells a stale one.

PACKAGES=systemd,systemd-sysv,dbus,docker.io,docker-compose,iptables,iproute2,openssh-server,ca-certificates,kmod,procps,python3,strace

# Debian's mirror as apt knows it.
mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 == "bookworm" && $3 == "main" { print $1; exit }'
}

# What a base is made by; comments do not count.
recipe() { echo "$PACKAGES"; declare -f build_base; }

# build_base SUITE
build_base() {
    local suite=$1 base=$state/bases/$1 packages=$PACKAGES began=$SECONDS from
    local stamp; stamp=$(recipe | sha256sum)
    [ "$(cat "$base/.recipe" 2>/dev/null)" = "$stamp" ] && return
    mkdir -p "$state/bases"
    exec {building}>"$state/bases/.$suite.lock"
    flock $building
    [ "$(cat "$base/.recipe" 2>/dev/null)" = "$stamp" ] && return
    from=$(mirror)
    [ -n "$from" ] || die "no Debian bookworm main in this machine's apt sources: run apt-get update"
    # bookworm's docker.io brings the client; later ones have it apart.
    [ "$suite" = bookworm ] || packages=$packages,docker-cli
    rm -rf "$base.new"
    # Release files of moving suites may be past their date; bookworm's keyring may not know the newest keys.
    mmdebstrap --quiet --variant=minbase --mode=root \
        --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$packages" "$suite" "$base.new" "$from" >"$state/bases/$suite.log" 2>&1 ||
        die "building $suite failed; last lines of $state/bases/$suite.log: $(tail -5 "$state/bases/$suite.log")"
    : >"$base.new/etc/machine-id"
    local unit
    for unit in systemd-networkd-wait-online.service systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer \
        e2scrub_all.timer fstrim.timer dpkg-db-backup.timer getty@tty1.service console-getty.service; do
        ln -sf /dev/null "$base.new/etc/systemd/system/$unit"
    done
    rm -f "$base.new/etc/resolv.conf"
    echo 'nameserver 198.51.100.1' >"$base.new/etc/resolv.conf"
    echo "$stamp" >"$base.new/.recipe"
    rm -rf "$base"
    mv "$base.new" "$base"
    flock -u $building
    echo "base $suite: $(chroot "$base" dockerd --version | cut -d, -f1), built in $((SECONDS - began)) s"
}
