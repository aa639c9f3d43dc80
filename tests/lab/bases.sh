# shellcheck shell=bash disable=SC2154
# Sourced by `lab`: builds the file systems of the hosts, one for each Debian suite, from this machine's own mirror. A
# base is built beside its place and renamed when complete. The hash of its recipe shows whether it is stale.

PACKAGES=systemd,systemd-sysv,dbus,docker.io,docker-compose,iptables,iproute2,openssh-server,ca-certificates,kmod,procps,python3,strace

# What a host can have on top of a base. A layer of its own, so that other hosts do not wait for it at each boot.
layer_packages() {
    case $1 in
    cloud) echo cloud-init ;;
    firewalls) echo firewalld ufw nftables ipset ;;
    # The minus removes a package.
    sysvinit) echo sysvinit-core sysv-rc systemd-sysv- ;;
    openrc) echo sysvinit-core openrc systemd-sysv- ;;
    # They write the files that rebridge reads, and bring VPNs up.
    tools) echo wireguard-tools wireguard-go openvpn network-manager netplan.io podman netavark aardvark-dns \
        libvirt-daemon libvirt-daemon-driver-network libvirt-clients dnsmasq-base strongswan-swanctl charon-systemd \
        incus-base ;;
    *) die "no layer $1" ;;
    esac
}

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
layer_recipe() {
    cat "$state/bases/$1/.recipe"
    layer_packages "$2"
    # shellcheck disable=SC2046
    declare -f build_layer fill_layer $(compgen -A function finish_)
}

# build_layer SUITE LAYER: builds the layer SUITE+LAYER.
build_layer() {
    local suite=$1 name=$2 layer=$state/bases/$1+$2 stamp began=$SECONDS
    build_base "$suite"
    stamp=$(layer_recipe "$suite" "$name" | sha256sum)
    [ "$(cat "$layer/.recipe" 2>/dev/null)" = "$stamp" ] && return
    exec {layering}>"$state/bases/.$suite+$name.lock"
    flock $layering
    [ "$(cat "$layer/.recipe" 2>/dev/null)" = "$stamp" ] && return
    rm -rf --one-file-system "$layer.new" "$layer.work" "$layer.root"
    mkdir -p "$layer.new" "$layer.work" "$layer.root"
    mount -t overlay overlay -o "lowerdir=$state/bases/$suite,upperdir=$layer.new,workdir=$layer.work,volatile" "$layer.root"
    local status=0
    (fill_layer "$layer.root" "$name") >"$layer.log" 2>&1 || status=$?
    umount "$layer.root"
    rm -rf --one-file-system "$layer.work" "$layer.root"
    [ $status = 0 ] || die "building $suite+$name failed; last lines of $layer.log: $(tail -5 "$layer.log")"
    echo "$stamp" >"$layer.new/.recipe"
    rm -rf --one-file-system "$layer"
    mv "$layer.new" "$layer"
    flock -u $layering
    echo "layer $suite+$name: built in $((SECONDS - began)) s"
}

fill_layer() {
    set -e
    local root=$1 name=$2 packages
    packages=$(layer_packages "$name")
    # Use this machine's nameservers while apt downloads packages.
    cp "$root/etc/resolv.conf" "$root/etc/resolv.conf.lab"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # Nothing that is installed may start in this chroot.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    chroot "$root" apt-get -q -o Acquire::Check-Valid-Until=false update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -q -y --no-install-recommends --allow-remove-essential \
        install $packages
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d"
    mv "$root/etc/resolv.conf.lab" "$root/etc/resolv.conf"
    ! declare -F "finish_$name" >/dev/null || "finish_$name" "$root"
}

# The lab sets up the network before cloud-init runs, which reads its data from a seed in the host's file system; root is
# the only user.
finish_cloud() {
    cat >"$1/etc/cloud/cloud.cfg.d/99_lab.cfg" <<'TEXT'
datasource_list: [NoCloud, None]
network: {config: disabled}
users: []
locale: false
apt: {preserve_sources_list: true}
TEXT
}

# A host has one of them at a time, as its test says.
finish_firewalls() { chroot "$1" systemctl disable firewalld ufw; }

# The boot scripts mount /sys again, without cgroups. Docker's init script mounts those of version 1 unless fstab has any,
# and raises limits, which not every machine allows. The hosts have no terminals.
finish_sysvinit() {
    echo 'none /sys/fs/cgroup cgroup2 defaults 0 0' >>"$1/etc/fstab"
    sed -i 's/^\t*ulimit .*/& || true/' "$1/etc/init.d/docker"
    sed -i '/getty/d' "$1/etc/inittab"
}

finish_openrc() { finish_sysvinit "$1"; }

# A test starts what it wants to see; the network belongs to the lab.
finish_tools() {
    find "$1/etc/systemd/system" -type l \( -name '*etworkManager*' -o -name 'openvpn*' -o -name 'incus*' -o \
        -name 'virt*' -o -name 'libvirt*' -o -name 'strongswan*' -o -name 'podman*' -o -name 'netavark*' \) -delete
}
