"""Layers: directories of Debian, and what is installed on top, as tar files in a cache.

A layer is named by the digest of everything that it is made from. The lowest is a Debian root; each
other one is what its packages, programs and files change in the one below.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import debian
from report import Failure, run, say

HERE = Path(__file__).resolve().parent

#: Directories that are empty in every layer: the engine fills them.
EMPTIED = ["dev", "proc", "run", "sys", "tmp"]


@dataclass(frozen=True, eq=False)
class Layer:
    """What a layer is made of."""

    name: str
    packages: list
    below: "Layer" = None
    #: Shell, in the root, before the packages and after all else.
    before: str = ""
    script: str = ""
    #: Packages of npm's registry, and what of them comes where: `from=to`.
    npm: dict = field(default_factory=dict)
    #: Files beside this program, and where they come.
    files: dict = field(default_factory=dict)

    def digest(self):
        """The digest of everything that it is made from, and of what is below it."""
        parts = [self.packages, self.before, self.script, sorted(self.npm.items())]
        parts += [(to, (HERE / "files" / name).read_text()) for name, to in sorted(self.files.items())]
        parts += [(HERE / name).read_text() for name in ("layers.py", "debian.py")]
        parts.append(self.below.digest() if self.below else debian.fingerprint())
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def stack(self):
        """It and those below it, the lowest first."""
        return [*(self.below.stack() if self.below else []), self]


class Cache:
    """A directory of layers, which programs that run at once may share."""

    def __init__(self, dir):
        self.dir = dir
        self.layers = dir / "layers"
        self.layers.mkdir(parents=True, exist_ok=True)

    def tar(self, layer):
        """Where a layer is."""
        return self.layers / f"{layer.name}-{layer.digest()[:24]}.tar"

    def diff_id(self, layer):
        """The digest of its tar file, by which engines know it."""
        return self.tar(layer).with_suffix(".id").read_text().strip()

    @contextlib.contextmanager
    def holding(self, layers):
        """Builds what is missing of these layers; while it holds, none of them goes."""
        wanted = list(dict.fromkeys(each for layer in layers for each in layer.stack()))
        with open(self.dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            while missing := [layer for layer in wanted if not self.has(layer)]:
                fcntl.flock(lock, fcntl.LOCK_UN)
                self.wait_alone(lock)
                for layer in missing:
                    if not self.has(layer):
                        self.build(layer)
                # It may be let go between the two: hence the loop.
                fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def wait_alone(self, lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another one that builds or loads")
            fcntl.flock(lock, fcntl.LOCK_EX)

    def has(self, layer):
        return self.tar(layer).with_suffix(".id").is_file() and self.tar(layer).is_file()

    def build(self, layer):
        if os.geteuid() != 0:
            raise Failure("images are made in a chroot: run it as root")
        began = time.monotonic()
        say(f"{layer.name}: building")
        # What a killed predecessor left: nobody else builds now.
        for left in self.dir.glob("work-*"):
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix="work-", dir=self.dir))
        below = None
        for each in layer.below.stack() if layer.below else []:
            below = work / "below"
            below.mkdir(exist_ok=True)
            run(["tar", "-xpf", self.tar(each), "-C", below])
        root = work / "root"
        self.fill(layer, root, below, work)
        tar = work / "layer.tar"
        size = write_tar(tar, root, below)
        diff_id = run(["sha256sum", tar]).split()[0]
        self.forget(layer)
        tar.rename(self.tar(layer))
        self.tar(layer).with_suffix(".id").write_text(diff_id)
        shutil.rmtree(work)
        say(f"{layer.name}: {size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s")

    def forget(self, layer):
        """Removes what earlier recipes made of the same layer."""
        for old in self.layers.glob(f"{layer.name}-*"):
            old.unlink()

    def fill(self, layer, root, below, work):
        archives = self.dir / "archives"
        if below is None:
            debian.bootstrap(root, archives, layer.packages)
        else:
            run(["cp", "-a", below, root])
            if layer.before:
                debian.shell(root, archives, textwrap.dedent(layer.before))
            if layer.packages:
                debian.install(root, archives, layer.packages)
        for package, what in layer.npm.items():
            unpack_npm(package, what, root, work)
        for name, to in layer.files.items():
            place = root / to.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "files" / name, place)
            place.chmod(0o755 if name.endswith(".sh") else 0o644)
        if layer.script:
            debian.shell(root, archives, textwrap.dedent(layer.script))
        debian.clean(root)


def unpack_npm(package, what, root, work):
    source, to = what.split("=")
    unpacked = work / "npm"
    unpacked.mkdir()
    archive = run(["npm", "pack", "--silent", package], cwd=unpacked).strip().splitlines()[-1]
    run(["tar", "-xzf", unpacked / archive, "-C", unpacked, "--no-same-owner"])
    place = root / to.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(unpacked / "package" / source, place)
    shutil.rmtree(unpacked)


def write_tar(path, root, below):
    """Writes what `root` has more than, other than and less than `below`; the bytes written."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for dir, dirs, files in os.walk(root):
            dirs.sort()
            inside = os.path.relpath(dir, root)
            if inside in EMPTIED:
                dirs.clear()
                files.clear()
            for name in sorted([*dirs, *files]):
                entry = os.path.normpath(os.path.join(inside, name))
                if below is None or differs(root / entry, below / entry):
                    tar.add(root / entry, entry, recursive=False)
            for name in gone(inside, root, below):
                tar.addfile(tarfile.TarInfo(os.path.normpath(os.path.join(inside, f".wh.{name}"))))
    return path.stat().st_size


def differs(ours, theirs):
    try:
        new, old = os.lstat(ours), os.lstat(theirs)
    except FileNotFoundError:
        return True
    facts = ["st_mode", "st_uid", "st_gid"]
    # A directory's time and size tell only that something in it changed.
    if not os.path.isdir(ours):
        facts += ["st_size", "st_mtime"]
    return any(int(getattr(new, fact)) != int(getattr(old, fact)) for fact in facts)


def gone(inside, root, below):
    if below is None or inside in EMPTIED or not (below / inside).is_dir():
        return []
    return sorted(name for name in os.listdir(below / inside) if not os.path.lexists(root / inside / name))
