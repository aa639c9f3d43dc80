# shellcheck shell=bash disable=SC2154
# Sourced by `lab`: Debian's kernels and a small system for them to boot, unpacked and never installed. KERNEL/vmlinuz
# and KERNEL/initrd boot in a virtual machine; KERNEL/root has all modules, for machines with a disk.

# Debian 11 has the oldest kernel that Debian still serves, forky the newest.
KERNELS=(bullseye forky)
MODULES=(overlay veth bridge tun macvlan vxlan dummy 8021q ipvlan ip_gre bonding vrf wireguard nf_conntrack
    nf_tables nft_ct nft_fib_ipv4 nft_fib_ipv6 tcp_diag udp_diag nf_conntrack_netlink ipip xfrm_user)
# What the tests call, besides busybox.
PROGRAMS=(sh ip nft wg wg-quick bash unshare nsenter mount umount flock setpriv)

# Packages of another suite are asked for with lists of their own, so that this machine's apt does not change.
# suite_apt SUITE PROGRAM ARGUMENT...
suite_apt() {
    local lists=$state/kernels/.apt-$1 program=$2; shift 2
    "$program" -q -o Dir::State="$lists" -o Dir::State::status=/dev/null -o Dir::Cache="$lists" \
        -o Dir::Etc::SourceList="$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root \
        -o APT::Update::Post-Invoke-Success=true "$@"
}

# unpack SUITE INTO PACKAGE...
unpack() {
    local suite=$1 into=$2 package; shift 2
    rm -rf "$into.debs"
    mkdir -p "$into.debs" "$into"
    (cd "$into.debs" && suite_apt "$suite" apt-get download "$@")
    for package in "$into.debs"/*.deb; do dpkg -x "$package" "$into"; done
    rm -rf "$into.debs"
}

# Everything of the newest kernel for virtual machines: one package, or in later suites one for the kernel and one for
# its modules.
kernel_packages() {
    local all newest
    all=$(suite_apt "$1" apt-cache pkgnames linux- | grep -E '^linux-(image|binary|modules)-[0-9].*[0-9+a-z]-cloud-amd64$')
    newest=$(sed -E 's/^linux-[a-z]+-//' <<<"$all" | sort -Vu | tail -1)
    grep -F -- "-$newest" <<<"$all"
}

# What a kernel depends on; comments do not count.
kernel_recipe() { echo "${MODULES[*]} ${PROGRAMS[*]}"; declare -f suite_apt unpack kernel_packages build_kernel fill_kernel small_system copy_program init_script; }

# build_kernel SUITE
build_kernel() {
    local suite=$1 kernel=$state/kernels/$1 began=$SECONDS stamp
    stamp=$(kernel_recipe | sha256sum)
    [ "$(cat "$kernel/.recipe" 2>/dev/null)" = "$stamp" ] && return
    mkdir -p "$state/kernels"
    exec {compiling}>"$state/kernels/.$suite.lock"
    flock $compiling
    [ "$(cat "$kernel/.recipe" 2>/dev/null)" = "$stamp" ] && return
    rm -rf "$kernel.new"
    mkdir -p "$kernel.new"
    (set -e; fill_kernel "$suite" "$kernel.new") >"$state/kernels/$suite.log" 2>&1 ||
        die "unpacking the kernel of $suite failed; last lines of $state/kernels/$suite.log: $(tail -5 "$state/kernels/$suite.log")"
    echo "$stamp" >"$kernel.new/.recipe"
    rm -rf "$kernel"
    mv "$kernel.new" "$kernel"
    flock -u $compiling
    echo "kernel $suite: $(cat "$kernel/release"), unpacked in $((SECONDS - began)) s"
}

# fill_kernel SUITE FOLDER
fill_kernel() {
    local suite=$1 folder=$2 from packages release module
    from=$(mirror)
    [ -n "$from" ] || die "no Debian bookworm main in this machine's apt sources: run apt-get update"
    mkdir -p "$state/kernels/.apt-$suite"/{lists,archives}/partial
    echo "deb [arch=amd64] $from $suite main" >"$state/kernels/.apt-$suite/sources.list"
    suite_apt "$suite" apt-get update
    packages=$(kernel_packages "$suite")
    # shellcheck disable=SC2086
    unpack "$suite" "$folder/root" $packages
    # Older suites have no merged /usr.
    if [ -d "$folder/root/lib/modules" ]; then
        mkdir -p "$folder/root/usr/lib"
        mv "$folder/root/lib/modules" "$folder/root/usr/lib/modules"
        rmdir "$folder/root/lib"
    fi
    ln -s usr/lib "$folder/root/lib"
    release=$(basename "$folder"/root/lib/modules/*)
    cp "$folder/root/lib/modules/$release/vmlinuz" "$folder/vmlinuz" 2>/dev/null || cp "$folder/root/boot/vmlinuz-$release" "$folder/vmlinuz"
    depmod -b "$folder/root" "$release"
    echo "$release" >"$folder/release"
    small_system "$suite" "$folder" "$release"
}

# small_system SUITE FOLDER RELEASE: what boots: busybox, this machine's programs with their libraries, and the modules
# in the order in which they are loaded.
small_system() {
    local folder=$2 release=$3 system=$2/system program module number=0
    mkdir -p "$system"/{bin,etc,dev,proc,sys,tmp,run,root,var,modules,usr}
    ln -s ../bin "$system/usr/bin"
    for program in $(busybox --list); do ln -sf busybox "$system/bin/$program"; done
    copy_program "$(command -v busybox)" "$system"
    for program in "${PROGRAMS[@]}"; do copy_program "$(command -v "$program")" "$system"; done
    for module in "${MODULES[@]}"; do
        modprobe -d "$folder/root" -S "$release" --show-depends "$module" || echo "no module $module"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
        number=$((number + 1))
        case $module in
        *.xz) xz -dc "$module" ;;
        *) cat "$module" ;;
        esac >"$system/modules/$(printf %03d $number)-$(basename "${module%.xz}")"
    done
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$system/etc/passwd"
    echo '127.0.0.1 localhost' >"$system/etc/hosts"
    declare -f init_script | sed '1,2d; $d' | sed '1i #!/bin/sh' >"$system/init"
    chmod 755 "$system/init"
    (cd "$system" && find . | cpio --quiet -o -H newc) >"$folder/initrd"
    rm -rf "$system"
}

# copy_program PROGRAM INTO: with the libraries it is linked with, if it is no script.
copy_program() {
    local library
    rm -f "$2/bin/$(basename "$1")"
    cp -L "$1" "$2/bin/"
    { ldd "$1" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$2$(dirname "$library")"
        cp -Lu "$library" "$2$library"
    done
}

# The first process: it runs the script /job, whose words go to the second serial port; the kernel's are on the first.
init_script() {
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t devtmpfs dev /dev
    ln -s /proc/self/fd /dev/fd
    mount -t tmpfs tmp /tmp
    for module in /modules/*; do insmod "$module"; done
    ip link set lo up
    sh /job >/dev/ttyS1 2>&1
    poweroff -f
}

# initrd KERNEL FILE JOB PROGRAM=PLACE...: what a kernel boots, with a job and further programs.
initrd() {
    local kernel=$state/kernels/$1 file=$2 job=$3 more=$2.files pair; shift 3
    [ -f "$kernel/initrd" ] || die "no kernel $kernel: run lab kernels"
    mkdir -p "$more/bin"
    cp "$job" "$more/job"
    for pair in "$@"; do
        copy_program "${pair%%=*}" "$more"
        mkdir -p "$more$(dirname "${pair#*=}")"
        strip -o "$more/stripped" "$more/bin/$(basename "${pair%%=*}")"
        rm "$more/bin/$(basename "${pair%%=*}")"
        mv "$more/stripped" "$more${pair#*=}"
    done
    # The kernel unpacks one archive after the other.
    { cat "$kernel/initrd"; (cd "$more" && find . | cpio --quiet -o -H newc); } >"$file"
    rm -rf "$more"
}

# vm KERNEL ARGUMENT...: becomes the emulator. Software emulation works everywhere; /dev/kvm may be there and hang.
vm() {
    local kernel=$state/kernels/$1 accel=tcg,tb-size=256; shift
    [ -z "${REBRIDGE_KVM:-}" ] || accel=kvm
    exec qemu-system-x86_64 -nodefaults -display none -no-reboot -accel $accel -cpu max \
        -kernel "$kernel/vmlinuz" "$@"
}
