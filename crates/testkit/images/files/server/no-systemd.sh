#!/bin/sh
# A server whose first process is not systemd.
set -eu
box-prepare
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -e
