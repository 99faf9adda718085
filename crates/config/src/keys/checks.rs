//! The keys of smoke checks, version proof and watch.

use super::{Kind, Section, key};

/// A status, or several.
pub(super) const STATUSES: Kind = Kind::Any(&[Kind::Status, Kind::List(&Kind::Status)]);

const PATH: Kind = Kind::Text("path");

/// `[[smoke]]`.
pub(crate) static SMOKE: Section = Section {
    id: "smoke",
    title: "[[smoke]]",
    doc: "A request through the proxy and the answer that it must get. Redirects are not followed.",
    keys: &[
        key(
            "get",
            PATH,
            "\"/orders\"",
            "The path, and query, to ask for with GET.",
        )
        .aliases(&["path", "url", "request"]),
        key("head", PATH, "\"/\"", "The same with HEAD."),
        key(
            "post",
            PATH,
            "\"/api/ping\"",
            "The same with POST, without a body.",
        ),
        key(
            "put",
            PATH,
            "\"/api/ping\"",
            "The same with PUT, without a body.",
        ),
        key(
            "patch",
            PATH,
            "\"/api/ping\"",
            "The same with PATCH, without a body.",
        ),
        key("delete", PATH, "\"/api/ping\"", "The same with DELETE."),
        key("options", PATH, "\"/api/ping\"", "The same with OPTIONS."),
        key(
            "host",
            Kind::Text("host"),
            "\"shop.example\"",
            "The host to ask. It changes with the environment as hosts of routes do.",
        )
        .default("the host of the first route that has one"),
        key(
            "headers",
            Kind::Map(&Kind::Text("string")),
            "{ Accept = \"application/json\" }",
            "Headers to send besides.",
        ),
        key(
            "expect",
            Kind::Any(&[STATUSES, Kind::Table(&EXPECT)]),
            "{ status = 307, location = \"/auth/login\" }",
            "What the answer must be. A status is short for a table with only `status`.",
        )
        .aliases(&["status"]),
        key(
            "timeout",
            Kind::Duration,
            "\"3s\"",
            "How long the answer may take.",
        )
        .default("\"10s\""),
    ],
};

/// `expect` of a smoke check.
pub(crate) static EXPECT: Section = Section {
    id: "expect",
    title: "smoke.expect",
    doc: "What an answer must be: all of what is set.",
    keys: &[
        key(
            "status",
            STATUSES,
            "[\"2xx\", 404]",
            "Accepted statuses: `200`, `\"2xx\"`, `\"200-299\"`, or an array of them.",
        )
        .default("\"200-399\""),
        key(
            "location",
            Kind::Text("string"),
            "\"/auth/login\"",
            "The exact `Location` header of a redirect.",
        )
        .aliases(&["redirect"]),
        key(
            "headers",
            Kind::Map(&Kind::Text("string")),
            "{ Cache-Control = \"no-store\" }",
            "Exact values of headers.",
        ),
        key(
            "type",
            Kind::Text("media type"),
            "\"text/html\"",
            "The media type, without parameters.",
        )
        .aliases(&["content_type", "media_type"]),
        key(
            "body",
            Kind::Any(&[Kind::Text("string"), Kind::Table(&BODY)]),
            "\"Welcome\"",
            "What the body must hold. A string is short for a table with only `contains`.",
        )
        .aliases(&["contains", "matches", "text"]),
    ],
};

/// `body` of a smoke check.
pub(crate) static BODY: Section = Section {
    id: "body",
    title: "smoke.expect.body",
    doc: "What a body must hold: one of these.",
    keys: &[
        key(
            "contains",
            Kind::Text("string"),
            "\"Welcome\"",
            "This text, anywhere.",
        ),
        key(
            "matches",
            Kind::Text("regular expression"),
            "\"v[0-9]+\"",
            "A match of this regular expression (of the Rust crate `regex`), anywhere.",
        )
        .aliases(&["regex", "pattern"]),
    ],
};

/// `version` of a service.
pub(crate) static VERSION: Section = Section {
    id: "version",
    title: "version",
    doc: "Where the app itself tells its version: `path` or `header`.",
    keys: &[
        key("path", PATH, "\"/version\"", "A path whose body holds it."),
        key(
            "header",
            Kind::Text("name of a header"),
            "\"X-Version\"",
            "A header of the answer to `/`.",
        ),
        key(
            "expect",
            Kind::Text("string"),
            "\"v${release}\"",
            "What it must say, as a whole word. May refer to `${commit}` and `${release}`.",
        )
        .default("\"${commit}\""),
    ],
};

/// `watch`.
pub(crate) static WATCH: Section = Section {
    id: "watch",
    title: "watch",
    doc: "How a release proves itself under real traffic.",
    keys: &[
        key(
            "window",
            Kind::Duration,
            "\"2m\"",
            "How long it is compared.",
        )
        .default("\"60s\"")
        .aliases(&["for", "duration"]),
        key(
            "min_requests",
            Kind::Integer(1, 1_000_000_000),
            "100",
            "Answers of the new release below which nothing is concluded.",
        )
        .default("20"),
        key(
            "max_error_increase",
            Kind::Number(0.0, 1.0),
            "0.02",
            "It is clearly worse when its share of 5xx answers, 0 to 1, exceeds the old one's by \
             this.",
        )
        .default("0.05"),
        key(
            "max_slowdown",
            Kind::Number(1.0, 1000.0),
            "2.0",
            "It is clearly worse when its median latency is this many times the old one's.",
        )
        .default("3.0"),
        key(
            "services",
            Kind::List(&Kind::Text("name of a service")),
            "[\"web\"]",
            "Only these services.",
        )
        .default("all that answer requests"),
    ],
};
