"""Images into an engine: which it lacks, and the archive that brings them."""

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from datetime import datetime, timezone

from report import Failure, say

#: The label that tells what an image was made from.
LABEL = "dev.landfall.testkit.recipe"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class Engine:
    """A Docker engine, reached through its client."""

    def __init__(self, client):
        self.client = client

    def lacks(self, image):
        """Whether it has no image of this name and recipe. One that somebody else made is left alone."""
        form = f'{{{{index .Config.Labels "{LABEL}"}}}}'
        asked = self.run(["image", "inspect", "--format", form, image.name])
        if asked.returncode != 0:
            error = asked.stderr.decode(errors="replace").strip()
            if "no such image" in error.lower():
                return True
            raise Failure(f"the engine cannot be asked: {error}")
        recipe = asked.stdout.decode().strip()
        if not recipe:
            say(f"{image.name}: is there, and not made here: left alone")
            return False
        return recipe != digest(image)

    def load(self, images, cache):
        """Loads images; layers that it has already are skipped by the engine."""
        say(f"loading {', '.join(image.name for image in images)}")
        load = subprocess.Popen(
            [*self.client, "load", "--quiet"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            with tarfile.open(fileobj=load.stdin, mode="w|", bufsize=1 << 20) as tar:
                write_archive(tar, images, cache)
            load.stdin.close()
        except BrokenPipeError:
            pass
        said = load.stdout.read().decode(errors="replace").strip()
        if load.wait() != 0:
            raise Failure(f"the engine did not load them: {said}")

    def run(self, arguments):
        try:
            return subprocess.run(
                [*self.client, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise Failure(f"{self.client[0]} is missing: install it") from error


def digest(image):
    """The digest of what an image is made from."""
    parts = [image.name, image.config, [layer.digest() for layer in image.layers]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def write_archive(tar, images, cache):
    """Writes images as `docker save` does."""
    layers = {layer: cache.tar(layer) for image in images for layer in image.layers}
    for layer, path in layers.items():
        entry = tarfile.TarInfo(f"{cache.diff_id(layer)}/layer.tar")
        entry.size = path.stat().st_size
        with open(path, "rb") as file:
            tar.addfile(entry, file)
    manifest = []
    for image in images:
        config = json.dumps(configuration(image, cache)).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        add(tar, name, config)
        paths = [f"{cache.diff_id(layer)}/layer.tar" for layer in image.layers]
        manifest.append({"Config": name, "RepoTags": [image.name], "Layers": paths})
    add(tar, "manifest.json", json.dumps(manifest).encode())


def configuration(image, cache):
    made = cache.tar(image.layers[-1]).stat().st_mtime
    created = datetime.fromtimestamp(made, timezone.utc).isoformat().replace("+00:00", "Z")
    return {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "created": created,
        "config": {**image.config, "Labels": {LABEL: digest(image)}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{cache.diff_id(layer)}" for layer in image.layers]},
        "history": [{"created": created, "created_by": layer.name} for layer in image.layers],
    }


def add(tar, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
