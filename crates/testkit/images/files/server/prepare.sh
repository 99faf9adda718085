#!/bin/sh
# Before sshd: host keys of the box's own.
set -eu
key=/etc/ssh/ssh_host_ed25519_key
[ -s "$key" ] || ssh-keygen -q -t ed25519 -N '' -C box -f "$key"
