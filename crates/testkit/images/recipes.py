"""What each image is: its layers, and how it is run."""

import platform
from dataclasses import dataclass, field

from layers import Layer

#: Node.js and its package managers come from npm's registry, where the official programs are.
NODE = "22.23.3"
NPM = "10.9.9"
COREPACK = "0.34.0"
NODE_ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, eq=False)
class Image:
    """An image: its name, its layers from the lowest on, and its part of the engine's `Config`."""

    name: str
    layers: list
    config: dict = field(default_factory=dict)


BASE = Layer(
    name="debian",
    packages=["ca-certificates"],
)

NODE_LAYER = Layer(
    name="node",
    below=BASE,
    packages=[],
    npm={
        f"node-linux-{NODE_ARCH}@{NODE}": "bin/node=/usr/local/bin/node",
        f"npm@{NPM}": ".=/usr/local/lib/node_modules/npm",
        f"corepack@{COREPACK}": ".=/usr/local/lib/node_modules/corepack",
    },
    script="""
        cd /usr/local/bin
        ln -s node nodejs
        ln -s ../lib/node_modules/npm/bin/npm-cli.js npm
        ln -s ../lib/node_modules/npm/bin/npx-cli.js npx
        ln -s ../lib/node_modules/corepack/dist/corepack.js corepack
        chmod 755 node ../lib/node_modules/npm/bin/*-cli.js ../lib/node_modules/corepack/dist/*.js
        groupadd --gid 1000 node
        useradd --uid 1000 --gid node --shell /bin/bash --create-home node
    """,
    files={"node/docker-entrypoint.sh": "/usr/local/bin/docker-entrypoint.sh"},
)

PYTHON_LAYER = Layer(
    name="python",
    below=BASE,
    packages=["python3", "python3-pip"],
    script="""
        rm /usr/lib/python3*/EXTERNALLY-MANAGED
        ln -s python3 /usr/bin/python
        printf '[global]\\nroot-user-action = ignore\\ndisable-pip-version-check = true\\n' >/etc/pip.conf
        find / -xdev -name __pycache__ -prune -exec rm -rf {} +
    """,
)

POSTGRES_LAYER = Layer(
    name="postgres",
    below=BASE,
    packages=["postgresql-15"],
    before="""
        mkdir -p /etc/postgresql-common
        echo create_main_cluster = false >/etc/postgresql-common/createcluster.conf
    """,
    # LLVM is four fifths of it, and does nothing without its part of the server.
    script="""
        dpkg --purge --force-depends libllvm14 libz3-4 >/dev/null
        rm -rf /usr/lib/postgresql/15/lib/bitcode /usr/lib/postgresql/15/lib/llvmjit*
        mkdir -p /docker-entrypoint-initdb.d /var/lib/postgresql/data
        chown -R postgres:postgres /var/lib/postgresql
        chmod 700 /var/lib/postgresql/data
    """,
    files={"postgres/docker-entrypoint.sh": "/usr/local/bin/docker-entrypoint.sh"},
)

REDIS_LAYER = Layer(
    name="redis",
    below=BASE,
    packages=["redis-server"],
    script="install -d -o redis -g redis /data",
    files={"redis/docker-entrypoint.sh": "/usr/local/bin/docker-entrypoint.sh"},
)

NGINX_LAYER = Layer(
    name="nginx",
    below=BASE,
    packages=["nginx"],
    script="""
        rm -rf /etc/nginx/sites-* /etc/nginx/snippets /var/www
        ln -sf /dev/stdout /var/log/nginx/access.log
        ln -sf /dev/stderr /var/log/nginx/error.log
    """,
    files={
        "nginx/nginx.conf": "/etc/nginx/nginx.conf",
        "nginx/default.conf": "/etc/nginx/conf.d/default.conf",
    },
)

SERVER_LAYER = Layer(
    name="server",
    below=BASE,
    packages=[
        "systemd",
        "systemd-sysv",
        "libpam-systemd",
        "dbus",
        "openssh-server",
        "sudo",
        "git",
        "iproute2",
        "procps",
        "curl",
    ],
    files={
        "server/init.sh": "/usr/local/sbin/box-init",
        "server/prepare.sh": "/usr/local/sbin/box-prepare",
        "server/no-systemd.sh": "/usr/local/sbin/box-no-systemd",
        "server/box-prepare.service": "/etc/systemd/system/box-prepare.service",
        "server/sshd.conf": "/etc/ssh/sshd_config.d/box.conf",
        "server/sudoers": "/etc/sudoers.d/box",
    },
    # Each box makes host keys and a machine id of its own. What needs hardware or a console is masked.
    script="""
        rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d /etc/machine-id /var/lib/dbus/machine-id
        : >/etc/machine-id
        ln -s /etc/machine-id /var/lib/dbus/machine-id
        chmod 440 /etc/sudoers.d/box
        for user in deploy ops plain; do useradd --shell /bin/bash --create-home "$user"; done
        echo ops:of-the-tests | chpasswd
        # A locked password would lock keys out as well.
        usermod --password '*' root
        systemctl enable box-prepare.service ssh.service
        systemctl mask console-getty.service getty.target getty@.service serial-getty@.service \
            systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service \
            systemd-modules-load.service sys-kernel-config.mount sys-kernel-debug.mount \
            sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount systemd-remount-fs.service \
            apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
        systemctl set-default multi-user.target
    """,
)

#: Packages must not start what they bring while an image is made.
HELD_BACK = """
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
    """

SERVER_DOCKER_LAYER = Layer(
    name="nested-docker",
    below=SERVER_LAYER,
    packages=["docker.io", "iptables"],
    before=HELD_BACK,
    script="""
        rm /usr/sbin/policy-rc.d
        systemctl enable docker.service
    """,
)

SERVER_NGINX_LAYER = Layer(
    name="neighbours-nginx",
    below=SERVER_LAYER,
    packages=["nginx-light"],
    before=HELD_BACK,
    script="""
        rm /usr/sbin/policy-rc.d
        systemctl enable nginx.service
    """,
)

LOCAL_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SERVER_CONFIG = {
    # Tells systemd what it is in.
    "Env": [LOCAL_PATH, "container=docker"],
    "Cmd": ["box-init"],
    "StopSignal": "SIGRTMIN+3",
}
ENTRYPOINT = ["docker-entrypoint.sh"]

IMAGES = {
    image.name: image
    for image in [
        Image("debian:bookworm-slim", [BASE], {"Env": [LOCAL_PATH], "Cmd": ["bash"]}),
        Image(
            "node:22-bookworm-slim",
            [BASE, NODE_LAYER],
            {
                # The machine's own certificates are in the layer below; Node.js has to be told.
                "Env": [LOCAL_PATH, f"NODE_VERSION={NODE}", f"NODE_EXTRA_CA_CERTS={CA_BUNDLE}"],
                "Entrypoint": ENTRYPOINT,
                "Cmd": ["node"],
            },
        ),
        Image(
            "python:3.11-slim",
            [BASE, PYTHON_LAYER],
            {"Env": [LOCAL_PATH, "LANG=C.UTF-8"], "Cmd": ["python3"]},
        ),
        Image(
            "postgres:15",
            [BASE, POSTGRES_LAYER],
            {
                "Env": [
                    f"{LOCAL_PATH}:/usr/lib/postgresql/15/bin",
                    "LANG=C.UTF-8",
                    "PG_MAJOR=15",
                    "PGDATA=/var/lib/postgresql/data",
                ],
                "Entrypoint": ENTRYPOINT,
                "Cmd": ["postgres"],
                "ExposedPorts": {"5432/tcp": {}},
                "Volumes": {"/var/lib/postgresql/data": {}},
                "StopSignal": "SIGINT",
            },
        ),
        Image(
            "redis:7",
            [BASE, REDIS_LAYER],
            {
                "Env": [LOCAL_PATH],
                "Entrypoint": ENTRYPOINT,
                "Cmd": ["redis-server"],
                "WorkingDir": "/data",
                "ExposedPorts": {"6379/tcp": {}},
                "Volumes": {"/data": {}},
            },
        ),
        Image(
            "nginx:1",
            [BASE, NGINX_LAYER],
            {
                "Env": [LOCAL_PATH],
                "Cmd": ["nginx", "-g", "daemon off;"],
                "ExposedPorts": {"80/tcp": {}},
                "StopSignal": "SIGQUIT",
            },
        ),
        Image("landfall-test/server:bookworm", [BASE, SERVER_LAYER], SERVER_CONFIG),
        Image(
            "landfall-test/server-nginx:bookworm",
            [BASE, SERVER_LAYER, SERVER_NGINX_LAYER],
            SERVER_CONFIG,
        ),
        Image(
            "landfall-test/server-docker:bookworm",
            [BASE, SERVER_LAYER, SERVER_DOCKER_LAYER],
            SERVER_CONFIG,
        ),
    ]
}

#: Those that the examples are built from. Servers are for tests that ask for them.
OF_EXAMPLES = [name for name in IMAGES if not name.startswith("landfall-test/")]
