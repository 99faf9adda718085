#!/bin/sh
# The first process of a box: what a machine's kernel has ready, and a container has not. Then systemd.
set -eu

# Control groups below those that the container runs in, which end with it. Only those that the machine
# uses: a hierarchy that systemd adds would outlive the box.
mount_cgroups() {
    if ! grep -qv '^0::' /proc/self/cgroup; then
        mount -t cgroup2 cgroup /sys/fs/cgroup
        return
    fi
    while IFS=: read -r _ controllers _; do
        case $controllers in
            '') mount_cgroup unified cgroup2 rw ;;
            name=*) mount_cgroup "${controllers#name=}" cgroup "none,$controllers" ;;
            *) mount_cgroup "$controllers" cgroup "$controllers" ;;
        esac
    done </proc/self/cgroup
    mount -o remount,ro /sys/fs/cgroup
}

mount_cgroup() {
    mkdir -p "/sys/fs/cgroup/$1"
    mount -t "$2" -o "$3" cgroup "/sys/fs/cgroup/$1"
}

# Settings of the network are the box's own, all others those of the machine.
open_network_settings() {
    mkdir -p /run/proc
    mount -t proc proc /run/proc
    mount --bind /run/proc/sys/net /proc/sys/net
    umount /run/proc
    rmdir /run/proc
}

mount_cgroups
open_network_settings
exec /sbin/init
