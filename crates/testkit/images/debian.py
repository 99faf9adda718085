"""Debian roots: made, extended and cleaned without anything starting in them."""

import hashlib
import os
import shutil
from pathlib import Path

from report import run

SUITE = "bookworm"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

#: Not kept: nobody reads it in a container.
UNREAD = ["usr/share/doc", "usr/share/i18n", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian"]
EMPTY = ["var/lib/apt/lists", "var/cache/apt", "var/cache/debconf", "var/cache/ldconfig", "tmp", "run"]

APT = [
    "apt-get",
    "--yes",
    "--quiet",
    "--no-install-recommends",
    # A mirror that stands still is as good as any other here.
    "--option=Acquire::Check-Valid-Until=false",
    "--option=Acquire::Check-Date=false",
    "--option=APT::Sandbox::User=root",
    "--option=DPkg::Options::=--force-unsafe-io",
]

#: Starts a command with processes and mounts of its own, which end with it; and it ends with us.
APART = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]

#: Goes on in a root.
ENTER = """
root=$1 archives=$2
shift 2
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$archives" "$root/var/cache/apt/archives"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" "$@"
"""


def fingerprint():
    """What of this machine a root depends on."""
    return [SUITE, os.uname().machine, hashlib.sha256(certificates()).hexdigest()]


def certificates():
    """The authorities that this machine trusts: downloads in a build must work as they do here."""
    return CA_BUNDLE.read_bytes() if CA_BUNDLE.exists() else b""


def bootstrap(root, archives, packages):
    """Makes a small Debian."""
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    mirror = find_mirror()
    include = ["--include", ",".join(packages)]
    cached = ["--cache-dir", archives]
    run([*APART, "debootstrap", "--variant=minbase", *include, *cached, SUITE, root, mirror])
    etc = root / "etc"
    (etc / "apt/sources.list").write_text(f"deb {mirror} {SUITE} main\n")
    (etc / "apt/apt.conf.d/99small").write_text('Acquire::Languages "none";\n')
    excluded = "".join(f"path-exclude=/{path}/*\n" for path in UNREAD)
    (etc / "dpkg/dpkg.cfg.d/small").write_text(excluded)
    # Packages must not start what they bring.
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    for name in ["resolv.conf", "hostname"]:
        (etc / name).write_text("")
    if certificates():
        (root / str(CA_BUNDLE).lstrip("/")).write_bytes(certificates())


def find_mirror():
    """The mirror of Debian that this machine uses."""
    uris = run(["apt-get", "indextargets", "--format", "$(REPO_URI)"]).split()
    fit = [uri.rstrip("/") for uri in uris if uri.rstrip("/").endswith("/debian")]
    return fit[0] if fit else "http://deb.debian.org/debian"


def install(root, archives, packages):
    """Installs packages."""
    enter(root, archives, [*APT, "update"])
    enter(root, archives, [*APT, "install", *packages])


def shell(root, archives, script):
    """Runs a script in a root."""
    enter(root, archives, ["/bin/sh", "-euc", script])


def enter(root, archives, command):
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C.UTF-8",
    }
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    run([*APART, "sh", "-euc", ENTER, "enter", root, archives, *command], env={**environment, **proxies})


def clean(root):
    """Removes what is only in the way."""
    for path in UNREAD + EMPTY:
        for entry in (root / path).glob("*"):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    # What came while it was installed. Links to the standard output stay.
    for entry in (root / "var/log").rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            entry.unlink()
    # Mounted over by the next one that installs.
    (root / "var/cache/apt/archives").mkdir(parents=True)
