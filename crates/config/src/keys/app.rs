//! The keys of the app itself: the top level, routes, tasks, environments.

use super::service::{ENV_FILES, ENV_MAP};
use super::{Key, Kind, SERVICE, SMOKE, Section, WATCH, key};

const SERVICE_KIND: Kind = Kind::Map(&Kind::Table(&SERVICE));
const ROUTE_KIND: Kind = Kind::List(&Kind::Table(&ROUTE));
const TASK_KIND: Kind = Kind::Map(&Kind::Table(&TASK));
const SMOKE_KIND: Kind = Kind::List(&Kind::Table(&SMOKE));
const WATCH_KIND: Kind = Kind::Any(&[Kind::Duration, Kind::Table(&WATCH)]);

const COMPOSE_KIND: Kind = Kind::Any(&[
    Kind::Text("path"),
    Kind::List(&Kind::Text("path")),
    Kind::Table(&COMPOSE),
]);

const KEEP_RELEASES: Key = key(
    "keep_releases",
    Kind::Integer(0, 1000),
    "3",
    "How many releases stay ready for a rollback, besides the live one.",
)
.default("5");

const DRAIN: Key = key(
    "drain",
    Kind::Duration,
    "\"2m\"",
    "How long requests and streams that replaced instances are answering may go on after the \
     switch. Idle instances are stopped at once.",
)
.default("\"30s\"");

const ENV_FILE: Key = key(
    "env_file",
    ENV_FILES,
    "\".env\"",
    "Files with variables for every service that runs, in the dotenv dialect of Compose. A `.env` \
     beside `landfall.toml` is read only when it is named here. A later file wins over an \
     earlier one; `env` wins over all of them. Values are taken literally: `${service...}` means \
     nothing in them.",
)
.aliases(&["env_files", "dotenv"]);

const ENV: Key = key(
    "env",
    ENV_MAP,
    "{ NODE_ENV = \"production\" }",
    "Variables for every service that runs. Values may refer to `${service.NAME.address}` (host \
     and port that reach the service across deployments), `${service.NAME.host}`, \
     `${service.NAME.port}`, `${release}` (its number) and `${commit}` (its full hash); `$$` is \
     a `$`. `PORT`, `HOST` and names that start with `LANDFALL_` are Landfall's to set.",
)
.aliases(&["environment_variables", "vars", "variables"]);

const COMPOSED: Key = key(
    "compose",
    COMPOSE_KIND,
    "[\"compose.yaml\", \"compose.prod.yaml\"]",
    "Compose files whose services are services of the app, as they are; later files are laid over \
     earlier ones. `[service.NAME]` says more of the service of that name. An environment can name \
     other files.",
)
.aliases(&["compose_files", "compose_file", "docker_compose"]);

const SERVICES: Key = key(
    "service",
    SERVICE_KIND,
    "{ web = { run = \"node server.js\" } }",
    "The parts of the app, by name, usually written as `[service.NAME]`.",
)
.aliases(&["services"]);

const ROUTES: Key = key(
    "route",
    ROUTE_KIND,
    "[{ host = \"shop.example\", to = \"web\" }]",
    "Which requests go to which service, usually written as `[[route]]`. The longest matching \
     path wins, an exact host before a wildcard, a wildcard before any host.",
)
.aliases(&["routes"]);

const TASKS: Key = key(
    "task",
    TASK_KIND,
    "{ migrate = { service = \"web\", run = \"node migrate.js\" } }",
    "One-off commands, by name, usually written as `[task.NAME]`.",
)
.aliases(&["tasks", "job", "jobs"]);

const SMOKES: Key = key(
    "smoke",
    SMOKE_KIND,
    "[{ get = \"/\" }]",
    "Questions that a release must answer, through the proxy, before a user meets it and again \
     after the switch. Usually written as `[[smoke]]`.",
)
.aliases(&["smokes", "smoke_checks", "checks", "check"]);

const WATCHES: Key = key(
    "watch",
    WATCH_KIND,
    "\"2m\"",
    "How a release proves itself under real traffic after the switch: its answers are compared \
     with those of the release before it, and Landfall switches back when they are clearly \
     worse. A duration is short for a table with only `window`.",
)
.default("no watch");

/// The top level.
pub(crate) static ROOT: Section = Section {
    id: "app",
    title: "landfall.toml",
    doc: "The top level of the file.",
    keys: &[
        key(
            "app",
            Kind::Text("name"),
            "\"shop\"",
            "The name of the app: 1 to 63 lower-case letters, digits, `-` and `_`.",
        )
        .required()
        .aliases(&["name", "application", "project"]),
        COMPOSED,
        SERVICES,
        ROUTES,
        TASKS,
        SMOKES,
        WATCHES,
        ENV_FILE,
        ENV,
        KEEP_RELEASES,
        DRAIN,
        key(
            "environment",
            Kind::Map(&Kind::Table(&ENVIRONMENT)),
            "{ staging = { server = \"deploy@203.0.113.10\" } }",
            "The places that the app is deployed to, by name, usually written as \
             `[environment.NAME]`. The environment `local` exists without being named: it is \
             this machine.",
        )
        .aliases(&["environments"]),
    ],
};

/// `compose` as a table.
pub(crate) static COMPOSE: Section = Section {
    id: "compose",
    title: "compose",
    doc: "Which Compose files the services come from, and what of them.",
    keys: &[
        key(
            "files",
            Kind::List(&Kind::Text("path")),
            "[\"compose.yaml\", \"compose.prod.yaml\"]",
            "The files, later ones laid over earlier ones. Paths in them are relative to the \
             directory of the first, and so is its `.env`.",
        )
        .required(),
        key(
            "profiles",
            Kind::List(&Kind::Text("name of a profile")),
            "[\"metrics\"]",
            "The profiles that are enabled.",
        )
        .default("those in `COMPOSE_PROFILES`"),
        key(
            "adopt",
            Kind::Text("name of a Compose project"),
            "\"shop\"",
            "The Compose project on this machine that the app takes over, as `landfall adopt` \
             writes it: volumes are those that Docker Compose made for it, and a deploy stops the \
             containers of the project whose services it deploys.",
        )
        .default("none"),
    ],
};

/// `[[route]]`.
pub(crate) static ROUTE: Section = Section {
    id: "route",
    title: "[[route]]",
    doc: "Requests for a host and path go to a service.",
    keys: &[
        key(
            "host",
            Kind::Text("host"),
            "\"shop.example\"",
            "An exact host, or `*.shop.example`. In the environment `local`, `shop.example` is \
             answered as `shop.example.localhost`, which browsers find on this machine, unless \
             `[environment.local] host` says otherwise or the host is an address, `localhost` \
             or ends in `.localhost`.",
        )
        .default("any host")
        .aliases(&["domain", "hostname", "server_name"]),
        key(
            "path",
            Kind::Text("path"),
            "\"/api/\"",
            "A prefix of the path, in whole segments: `/api` matches `/api` and `/api/x`, not \
             `/apis`. A `/` at its end makes no difference.",
        )
        .default("\"/\"")
        .aliases(&["prefix", "path_prefix", "location"]),
        key(
            "to",
            Kind::Text("name of a service"),
            "\"web\"",
            "The service that answers.",
        )
        .required()
        .aliases(&["service", "target", "upstream", "backend"]),
        key(
            "strip_prefix",
            Kind::Boolean,
            "true",
            "Whether `path` is removed before the request is sent on.",
        )
        .default("false"),
    ],
};

/// `[task.NAME]`.
pub(crate) static TASK: Section = Section {
    id: "task",
    title: "[task.NAME]",
    doc: "A one-off command that runs in a release, with the files and variables of a service.",
    keys: &[
        key(
            "service",
            Kind::Text("name of a service"),
            "\"web\"",
            "The service whose files, variables and user it runs with.",
        )
        .required(),
        super::service::RUN,
        super::service::SHELL,
        key(
            "when",
            Kind::Choice(&["before-switch", "after-switch", "manual"]),
            "\"before-switch\"",
            "When it runs by itself: before any instance of the new release starts (migrations), \
             after the new release has proved itself (cache purges), or only by `landfall run`.",
        )
        .default("\"manual\""),
        key(
            "timeout",
            Kind::Duration,
            "\"30m\"",
            "How long it may take. After that it is stopped and has failed.",
        )
        .default("\"10m\""),
        key(
            "blocking",
            Kind::Boolean,
            "false",
            "Whether its failure fails the deployment. After the switch a failure never undoes \
             the deployment, it only makes it fail.",
        )
        .default("true, `false` for `after-switch`"),
        key(
            "env",
            ENV_MAP,
            "{ MIGRATE = \"1\" }",
            "Variables besides those of the service, which they override.",
        ),
    ],
};

/// `[environment.NAME]`.
pub(crate) static ENVIRONMENT: Section = Section {
    id: "environment",
    title: "[environment.NAME]",
    doc: "What is different in one environment. Tables are laid over those of the top level key \
          by key, at any depth: `[environment.staging.service.web]` with `replicas = 1` changes \
          nothing else of the service. Arrays, `[[environment.staging.route]]` among them, \
          replace those of the top level as a whole.",
    keys: &[
        key(
            "server",
            Kind::Text("address"),
            "\"deploy@203.0.113.10\"",
            "The server that it is deployed to, as `ssh` knows it. Without one it is this machine.",
        ),
        key(
            "build_on",
            Kind::Choice(&["here", "server"]),
            "\"server\"",
            "Where build commands run: `\"here\"`, where `landfall deploy` is typed, or `\"server\"`, \
             as a user who has nothing else there.",
        )
        .default("\"here\""),
        key(
            "host",
            Kind::Map(&Kind::Text("host")),
            "{ \"shop.example\" = \"staging.shop.example\" }",
            "Hosts of routes and checks, and what they are called in this environment.",
        )
        .aliases(&["hosts"]),
        COMPOSED,
        SERVICES,
        ROUTES,
        TASKS,
        SMOKES,
        WATCHES,
        ENV_FILE,
        ENV,
        KEEP_RELEASES,
        DRAIN,
    ],
};
