//! The keys of a service and of what stands below it.

use super::checks::STATUSES;
use super::{Key, Kind, Section, VERSION, key, later};

/// Env files: a path, a table, or an array of both.
pub(super) const ENV_FILES: Kind = Kind::Any(&[
    Kind::Text("path"),
    Kind::Table(&ENV_FILE),
    Kind::List(&Kind::Any(&[Kind::Text("path"), Kind::Table(&ENV_FILE)])),
]);

/// Variables.
pub(super) const ENV_MAP: Kind = Kind::Map(&Kind::Scalar);

/// A command that meets no shell.
pub(super) const RUN: Key = key(
    "run",
    Kind::Argv,
    "\"node server.js\"",
    "The command: a string that is split into words as a shell would split it, or an array of \
     words. No shell is involved: nothing is expanded.",
)
.aliases(&["command", "cmd", "start", "exec", "script", "entrypoint"]);

/// A command for a shell.
pub(super) const SHELL: Key = key(
    "shell",
    Kind::Text("string"),
    "\"exec uvicorn app:app --port $PORT\"",
    "The command as text for `/bin/sh -c`, where a shell is wanted. Start the program with \
     `exec`, so that it gets the signals itself.",
);

const MEMORY: Key = key(
    "memory",
    Kind::Size,
    "\"512M\"",
    "Memory, in `B`, `K`, `M`, `G` or `T`, each 1024 times the one before.",
);

/// `[service.NAME]`.
pub(crate) static SERVICE: Section = Section {
    id: "service",
    title: "[service.NAME]",
    doc: "A part of the app: a process (`run` or `shell`), a container (`image`), or files that \
          the proxy serves (`static`). Every process is given `PORT` and `HOST` and should listen \
          there.",
    keys: &[
        key(
            "build",
            Kind::Any(&[Kind::Text("name of a service"), Kind::Table(&BUILD)]),
            "{ run = \"npm run build\", output = \"dist\" }",
            "How its files are made, or the name of the service whose build it shares.",
        )
        .default("the files of the project as they are; only `static.dir` for a static service"),
        RUN,
        SHELL,
        key(
            "static",
            Kind::Any(&[Kind::Text("path"), Kind::Table(&STATIC)]),
            "{ dir = \"dist\", fallback = \"index.html\" }",
            "Files that the proxy serves itself. A string is short for a table with only `dir`.",
        ),
        key(
            "dir",
            Kind::Text("path"),
            "\"apps/web\"",
            "The working directory, in the files of the release.",
        )
        .default("\".\"")
        .aliases(&["cwd", "working_dir", "working_directory", "workdir"]),
        key(
            "port",
            Kind::Integer(1, 65535),
            "8080",
            "The port that the program insists on. Its instances then cannot overlap: a \
             deployment stops the old one before it starts the new one. Better is a program \
             that listens on `PORT`, of which every instance gets its own. Of a container it is \
             the port in the container, and instances may overlap; of a service of a Compose file \
             it need not be said where `ports` and `expose` name one only.",
        )
        .aliases(&["ports", "fixed_port"]),
        key(
            "overlap",
            Kind::Boolean,
            "false",
            "Whether old and new instances may run at the same time. Without it a deployment \
             stops the old one before it starts the new one.",
        )
        .default("true, `false` with `port`"),
        key(
            "replicas",
            Kind::Integer(0, 1000),
            "2",
            "How many instances run.",
        )
        .default("1")
        .aliases(&["instances", "scale", "count"]),
        key(
            "needs",
            Kind::List(&Kind::Text("name of a service")),
            "[\"worker\"]",
            "Services that must be ready before this one starts.",
        )
        .aliases(&["depends_on", "after", "requires"]),
        key(
            "env_file",
            ENV_FILES,
            "{ path = \"web.env\", required = false }",
            "Files with variables, as at the top level, which they override.",
        )
        .aliases(&["env_files"]),
        key(
            "env",
            ENV_MAP,
            "{ API = \"http://${service.api.address}\" }",
            "Variables, as at the top level, which they override.",
        )
        .aliases(&["environment", "vars", "variables"]),
        key(
            "ready",
            Kind::Any(&[Kind::Text("path"), Kind::Table(&READY)]),
            "\"/health\"",
            "When an instance may get requests. A string is short for a table with only `path`.",
        )
        .default(
            "the port accepts connections, for a service with a route, an address that is used, \
             or `port`; the process stays up for 3s, for others",
        )
        .aliases(&["health", "healthcheck", "health_check", "readiness"]),
        key(
            "stop",
            Kind::Table(&STOP),
            "{ grace = \"120s\" }",
            "How a process is stopped.",
        ),
        key(
            "restart",
            Kind::Table(&RESTART),
            "{ max_backoff = \"10s\" }",
            "What happens when a process exits by itself: it is started again, later and later.",
        ),
        key(
            "limits",
            Kind::Table(&LIMITS),
            "{ memory = \"512M\", cpus = 1.5 }",
            "What an instance may use.",
        )
        .default("no limits")
        .aliases(&["resources"]),
        key(
            "writable",
            Kind::List(&Kind::Text("path")),
            "[\".next/cache\", \"uploads\"]",
            "Directories in the files of the release that are kept across releases and shared by \
             the instances of the service. Whatever else an instance writes among its files goes \
             with its release.",
        )
        .aliases(&["persistent", "shared"]),
        key(
            "version",
            Kind::Any(&[Kind::Text("path"), Kind::Table(&VERSION)]),
            "{ path = \"/version\" }",
            "The app's own word on its version, asked for after the switch. A string is short \
             for a table with only `path`.",
        ),
        key(
            "image",
            Kind::Text("name of an image"),
            "\"redis:7\"",
            "Runs a container from this image of the Docker engine on the same machine, instead of \
             a process. `run` or `shell` replace the image's command, `dir` its working directory. \
             A release keeps the image that the name meant when it was deployed: a rollback runs \
             that one. Containers of one environment share a network, in which each is known by \
             the name of its service.",
        )
        .aliases(&["container", "docker"]),
        key(
            "publish",
            Kind::Boolean,
            "false",
            "Whether the `ports` that the service has in its Compose file are published on the \
             host. A port of the host can be had by one container only: a service with published \
             ports is replaced stop-first. One that users reach by a route needs none.",
        )
        .default("true"),
        key(
            "user",
            Kind::Text("user, or user and group"),
            "\"1000:1000\"",
            "Whom a container runs as. Only with `image`.",
        )
        .default("as the image says"),
        key(
            "volumes",
            Kind::List(&Kind::Text("name and path")),
            "[\"data:/var/lib/data\"]",
            "What is kept across the containers of a service: names of volumes in this environment \
             and where they are in the container. Only with `image`. A service with volumes is \
             replaced stop-first unless `overlap = true` says that two may write at once.",
        ),
    ],
};

/// `build`.
pub(crate) static BUILD: Section = Section {
    id: "build",
    title: "build",
    doc: "How files are made from the project. Paths are relative to `landfall.toml` and stay \
          below it. The same inputs are never built twice.",
    keys: &[
        key("run", Kind::Argv, "\"npm run build\"", RUN.doc)
            .default("no command: the output is there already")
            .aliases(RUN.aliases),
        key(
            "shell",
            Kind::Text("string"),
            "\"npm ci && npm run build\"",
            "The command as text for `/bin/sh -c`.",
        ),
        key(
            "inputs",
            Kind::List(&Kind::Text("glob")),
            "[\"src/**\", \"package.json\", \"package-lock.json\"]",
            "The files that the output depends on.",
        )
        .default("every file that git does not ignore")
        .aliases(&["sources", "watch"]),
        key(
            "output",
            Kind::Any(&[
                Kind::Text("path"),
                Kind::Table(&OUTPUT),
                Kind::List(&Kind::Any(&[Kind::Text("path"), Kind::Table(&OUTPUT)])),
            ]),
            "[{ from = \".next/standalone\", to = \".\" }, \"public\"]",
            "What becomes the files of the release. A string by itself is a directory whose files \
             go to their root; a string in an array keeps its path, and a table says where it \
             goes.",
        )
        .default("the whole project; `static.dir` for a static service")
        .aliases(&["outputs", "out", "dist", "artifact"]),
        key(
            "exclude",
            Kind::List(&Kind::Text("glob")),
            "[\"**/*.map\"]",
            "What is left out of it, relative to the root of the release. `.git` always is.",
        )
        .aliases(&["ignore"]),
        key(
            "env",
            Kind::Map(&Kind::Scalar),
            "{ NEXT_TELEMETRY_DISABLED = \"1\" }",
            "Variables for the command, besides those of the person who deploys.",
        ),
        key(
            "timeout",
            Kind::Duration,
            "\"10m\"",
            "How long the command may take.",
        )
        .default("\"30m\""),
        later("dockerfile"),
    ],
};

/// An element of `build.output`.
pub(crate) static OUTPUT: Section = Section {
    id: "output",
    title: "build.output",
    doc: "A directory or file of the project, and where it goes.",
    keys: &[
        key("from", Kind::Text("path"), "\"dist\"", "In the project.").required(),
        key(
            "to",
            Kind::Text("path"),
            "\"public\"",
            "In the files of the release; `.` is their root.",
        )
        .default("the same as `from`"),
    ],
};

/// `static`.
pub(crate) static STATIC: Section = Section {
    id: "static",
    title: "static",
    doc: "Files that the proxy serves.",
    keys: &[
        key(
            "dir",
            Kind::Text("path"),
            "\"dist\"",
            "The directory, in the files of the release.",
        )
        .default("\".\"")
        .aliases(&["root", "path"]),
        key(
            "fallback",
            Kind::Text("path"),
            "\"index.html\"",
            "The file that answers requests for pages that are no file, for single-page apps. \
             Requests for scripts, styles and other assets are never answered with it.",
        )
        .aliases(&["index", "spa"]),
        key(
            "immutable",
            Kind::List(&Kind::Text("glob")),
            "[\"assets/**\"]",
            "Files that never change under their name, relative to `dir`. Browsers keep them; \
             all others are asked for again.",
        ),
    ],
};

/// An env file with options.
pub(crate) static ENV_FILE: Section = Section {
    id: "env_file",
    title: "env_file",
    doc: "A file with variables.",
    keys: &[
        key(
            "path",
            Kind::Text("path"),
            "\".env\"",
            "The file, below `landfall.toml`.",
        )
        .required(),
        key(
            "required",
            Kind::Boolean,
            "false",
            "Whether it is an error that the file does not exist.",
        )
        .default("true"),
    ],
};

/// `ready`.
pub(crate) static READY: Section = Section {
    id: "ready",
    title: "ready",
    doc: "When an instance is ready: one question, and how patiently it is asked. A process that \
          exits ends the wait at once.",
    keys: &[
        key(
            "path",
            Kind::Text("path"),
            "\"/health\"",
            "GET of this path on the instance's port gives an accepted status.",
        )
        .aliases(&["http", "url", "get"]),
        key("tcp", Kind::True, "true", "The instance's port accepts a connection."),
        key(
            "run",
            Kind::Argv,
            "\"bin/is-ready\"",
            "This command, run in the instance's directory and environment, exits with 0.",
        ),
        key(
            "shell",
            Kind::Text("string"),
            "\"test -e ready\"",
            "The same as text for `/bin/sh -c`.",
        ),
        key(
            "up_for",
            Kind::Duration,
            "\"5s\"",
            "The process stays up for this long.",
        ),
        key(
            "host",
            Kind::Text("host"),
            "\"shop.example\"",
            "The `Host` header, with `path`. It changes with the environment as hosts of routes do.",
        )
        .default("the host of the service's first route, else `localhost`"),
        key(
            "status",
            STATUSES,
            "[200, 204]",
            "Accepted statuses, with `path`: `200`, `\"2xx\"`, `\"200-299\"`, or an array of them.",
        )
        .default("\"200-399\"")
        .aliases(&["expect"]),
        key(
            "within",
            Kind::Duration,
            "\"2m\"",
            "How long it may take from the start of the process.",
        )
        .default("\"60s\"")
        .aliases(&["deadline", "wait"]),
        key(
            "start_period",
            Kind::Duration,
            "\"15s\"",
            "Failures within this time after the start do not count towards `failures`.",
        )
        .default("\"0s\""),
        key("interval", Kind::Duration, "\"1s\"", "Time between questions.").default("\"250ms\""),
        key(
            "timeout",
            Kind::Duration,
            "\"2s\"",
            "How long one answer may take.",
        )
        .default("\"5s\""),
        key(
            "failures",
            Kind::Integer(1, 10_000),
            "10",
            "This many failures in a row after the start period end the wait.",
        )
        .default("only `within` ends it")
        .aliases(&["retries", "failure_threshold"]),
    ],
};

/// `stop`.
pub(crate) static STOP: Section = Section {
    id: "stop",
    title: "stop",
    doc: "How a process is stopped.",
    keys: &[
        key(
            "signal",
            Kind::Text("name of a signal"),
            "\"SIGINT\"",
            "The signal that asks it to.",
        )
        .default("\"SIGTERM\""),
        key(
            "grace",
            Kind::Duration,
            "\"120s\"",
            "Time from the signal to the kill of the whole process group.",
        )
        .default("\"10s\"")
        .aliases(&["timeout", "stop_grace_period", "kill_timeout"]),
    ],
};

/// `restart`.
pub(crate) static RESTART: Section = Section {
    id: "restart",
    title: "restart",
    doc: "What happens when a process exits by itself.",
    keys: &[
        key(
            "backoff",
            Kind::Duration,
            "\"1s\"",
            "Delay before the first restart. It doubles with each, with some jitter.",
        )
        .default("\"100ms\"")
        .aliases(&["delay"]),
        key(
            "max_backoff",
            Kind::Duration,
            "\"10s\"",
            "The longest delay.",
        )
        .default("\"30s\""),
        key(
            "crash_loop_exits",
            Kind::Integer(1, 10_000),
            "10",
            "Exits within `crash_loop_window` that make a crash loop.",
        )
        .default("5")
        .aliases(&["max_restarts"]),
        key("crash_loop_window", Kind::Duration, "\"5m\"", "The window.").default("\"60s\""),
        key(
            "stable_after",
            Kind::Duration,
            "\"2m\"",
            "After this long without an exit the delay starts over.",
        )
        .default("\"60s\"")
        .aliases(&["min_uptime"]),
    ],
};

/// `limits`.
pub(crate) static LIMITS: Section = Section {
    id: "limits",
    title: "limits",
    doc: "What an instance may use. What is not set is not limited.",
    keys: &[
        MEMORY,
        key("cpus", Kind::Number(0.01, 4096.0), "1.5", "Cores.").aliases(&["cpu"]),
        key(
            "pids",
            Kind::Integer(1, 4_194_304),
            "200",
            "Processes and threads.",
        ),
        key(
            "open_files",
            Kind::Integer(16, 1_073_741_816),
            "4096",
            "Open files.",
        )
        .aliases(&["nofile"]),
    ],
};
