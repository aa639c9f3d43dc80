# shellcheck shell=bash disable=SC2154
# Sourced by `lab`: builds the file systems of the hosts, one for each Debian suite, from this machine's own mirror. A
# base is built beside its place and renamed when complete. The hash of its recipe shows whether it is stale.

PACKAGES=systemd,systemd-sysv,dbus,docker.io,docker-compose,iptables,iproute2,openssh-server,ca-certificates,kmod,procps,python3,strace

# A separate layer on top of a base, so that hosts without cloud-init do not wait for it at each boot.
CLOUD_PACKAGES=(cloud-init)

# Debian's mirror, from apt's own sources.
mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 == "bookworm" && $3 == "main" { print $1; exit }'
}

# What a base depends on; comments do not count.
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
    # bookworm's docker.io contains the client; later suites package it separately.
    [ "$suite" = bookworm ] || packages=$packages,docker-cli
    rm -rf "$base.new"
    # Release files of moving suites may have expired; bookworm's keyring may lack the newest keys.
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

# What a layer depends on: its base, and this.
cloud_recipe() { cat "$state/bases/$1/.recipe"; echo "${CLOUD_PACKAGES[*]}"; declare -f build_cloud fill_cloud; }

# build_cloud SUITE: builds the layer SUITE+cloud. Its cloud-init reads its data from a seed in the host's file system.
build_cloud() {
    local suite=$1 layer=$state/bases/$1+cloud stamp began=$SECONDS
    build_base "$suite"
    stamp=$(cloud_recipe "$suite" | sha256sum)
    [ "$(cat "$layer/.recipe" 2>/dev/null)" = "$stamp" ] && return
    exec {layering}>"$state/bases/.$suite+cloud.lock"
    flock $layering
    [ "$(cat "$layer/.recipe" 2>/dev/null)" = "$stamp" ] && return
    rm -rf --one-file-system "$layer.new" "$layer.work" "$layer.root"
    mkdir -p "$layer.new" "$layer.work" "$layer.root"
    mount -t overlay overlay -o "lowerdir=$state/bases/$suite,upperdir=$layer.new,workdir=$layer.work,volatile" "$layer.root"
    local status=0
    (fill_cloud "$layer.root") >"$layer.log" 2>&1 || status=$?
    umount "$layer.root"
    rm -rf --one-file-system "$layer.work" "$layer.root"
    [ $status = 0 ] || die "building $suite+cloud failed; last lines of $layer.log: $(tail -5 "$layer.log")"
    echo "$stamp" >"$layer.new/.recipe"
    rm -rf --one-file-system "$layer"
    mv "$layer.new" "$layer"
    flock -u $layering
    echo "layer $suite+cloud: built in $((SECONDS - began)) s"
}

fill_cloud() {
    set -e
    local root=$1
    # Use this machine's nameservers while apt downloads packages.
    cp "$root/etc/resolv.conf" "$root/etc/resolv.conf.lab"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    chroot "$root" apt-get -q -o Acquire::Check-Valid-Until=false update
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -q -y --no-install-recommends install "${CLOUD_PACKAGES[@]}"
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/*
    mv "$root/etc/resolv.conf.lab" "$root/etc/resolv.conf"
    # The lab sets up the network before cloud-init runs; root is the only user.
    cat >"$root/etc/cloud/cloud.cfg.d/99_lab.cfg" <<'TEXT'
datasource_list: [NoCloud, None]
network: {config: disabled}
users: []
locale: false
apt: {preserve_sources_list: true}
TEXT
}
