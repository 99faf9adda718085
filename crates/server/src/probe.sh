# Says what this server is, a line for each fact: its name, a tab, its value. Changes nothing.
set -u
say() { printf '%s\t%s\n' "$1" "$2"; }
say kernel "$(uname -s)"
say machine "$(uname -m)"
say clock "$(date +%s)"
if [ -r /etc/os-release ]; then
    . /etc/os-release
    say system "${PRETTY_NAME:-$ID}"
    say family "${ID:-} ${ID_LIKE:-}"
fi
say user "$(id -un)"
if [ "$(id -u)" = 0 ]; then say sudo root
elif ! command -v sudo >/dev/null 2>&1; then say sudo none
elif sudo -n true 2>/dev/null; then say sudo free
else say sudo password
fi
if [ -d /run/systemd/system ]; then say systemd "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"; fi
sed -n 's/^MemTotal: *\([0-9]*\) kB/memory_kib\t\1/p; s/^SwapTotal: *\([0-9]*\) kB/swap_kib\t\1/p' /proc/meminfo
for dir in /var/lib/landfall /var/lib; do
    if [ -d "$dir" ]; then say disk_kib "$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')"; break; fi
done
for dir in /usr/local/lib/landfall /usr/local; do
    if [ -d "$dir" ]; then say program_disk_kib "$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')"; break; fi
done
# Who holds a port is for root to see.
as_root=
[ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null && as_root='sudo -n'
if command -v ss >/dev/null 2>&1; then
    $as_root ss -Hltnp 2>/dev/null | awk '{ print "listener\t" $4 "\t" $6 }'
else
    say unknown listeners
fi
if [ -x /usr/bin/docker ] || command -v docker >/dev/null 2>&1; then
    say docker "$($as_root docker version --format '{{.Server.Version}}' 2>/dev/null)"
fi
if [ -r /etc/ufw/ufw.conf ] && grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then say firewall ufw; fi
if systemctl is-active --quiet firewalld 2>/dev/null; then say firewall firewalld; fi
if [ -x /usr/local/bin/landfall ]; then
    say landfall "$(/usr/local/bin/landfall --version 2>/dev/null | awk '{ print $2 }')"
    say installed "$(readlink /usr/local/bin/landfall)"
    say agent "$(systemctl is-active landfall-agent 2>/dev/null)"
    say proxy "$(systemctl is-active landfall-proxy 2>/dev/null)"
fi
say end .
