//! Keys of a service.

use super::build::{BUILD, DEVELOP};
use super::deploy::DEPLOY;
use super::hardware::{BLKIO, CREDENTIALS, DEVICE, GPU, SERVICE_MODEL, SERVICE_MODELS, ULIMITS};
use super::shape::{
    BOOL, COMMAND, FLAG, Fields, Form, HOSTS, INT, NOTHING, NULL, NUM, NUMBER, Names, OPTIONS,
    PAIRS, PLAIN_FLAG, S, SET, Shape, TEXT, TEXT_OR_LIST, TEXT_OR_SET, WHOLE, demanding, fields,
    key, shown,
};

/// A service.
pub(super) static SERVICE: Fields = fields(&[
    key("profiles", SET, Form::Texts),
    key("annotations", PAIRS, Form::Pairs),
    key("attach", FLAG, Form::SaidFlag),
    key(
        "build",
        Shape::Either(&[S, Shape::Fields(&BUILD)]),
        Form::Fields(&BUILD),
    ),
    key(
        "develop",
        Shape::Either(&[Shape::Fields(&DEVELOP), NOTHING]),
        Form::Fields(&DEVELOP),
    ),
    key("blkio_config", Shape::Fields(&BLKIO), Form::Fields(&BLKIO)),
    key("cap_add", SET, Form::Texts),
    key("cap_drop", SET, Form::Texts),
    key("cgroup_parent", S, Form::Text),
    key("cgroup", Shape::Word(&["host", "private"]), Form::Text),
    key("cpu_count", Shape::Between(0, i128::MAX), Form::Whole),
    key("cpu_percent", Shape::Between(0, 100), Form::Float),
    key("cpu_period", NUM, Form::Whole),
    key("cpu_quota", NUM, Form::Whole),
    key("cpu_rt_period", NUM, Form::Whole),
    key("cpu_rt_runtime", NUM, Form::Whole),
    key("cpus", NUM, Form::Float),
    key("cpuset", S, Form::Text),
    key("cpu_shares", NUM, Form::Whole),
    shown("command", "command", COMMAND, Form::Command),
    key("configs", FILE_MOUNTS, Form::Each(&FILE_MOUNT)),
    key(
        "container_name",
        Shape::Fitting(
            is_container_name,
            "a name of letters, digits, `_`, `.` and `-`",
        ),
        Form::Text,
    ),
    key(
        "credential_spec",
        Shape::Fields(&CREDENTIALS),
        Form::Fields(&CREDENTIALS),
    ),
    key(
        "depends_on",
        Shape::Either(&[SET, Shape::Named(&Shape::Fields(&DEPENDENCY), Names::Plain)]),
        Form::Named(&DEPENDENCY),
    ),
    key(
        "deploy",
        Shape::Either(&[Shape::Fields(&DEPLOY), NOTHING]),
        Form::Fields(&DEPLOY),
    ),
    key("device_cgroup_rules", SET, Form::Texts),
    key(
        "devices",
        Shape::List(&Shape::Either(&[S, Shape::Fields(&DEVICE)])),
        Form::Each(&DEVICE),
    ),
    key("dns", TEXT_OR_SET, Form::Texts),
    key("dns_opt", SET, Form::Texts),
    key("dns_search", TEXT_OR_SET, Form::Texts),
    key("domainname", S, Form::Text),
    shown("entrypoint", "entrypoint", COMMAND, Form::Command),
    key(
        "provider",
        Shape::Fields(&PROVIDER),
        Form::Fields(&PROVIDER),
    ),
    key("environment", PAIRS, Form::Variables),
    key(
        "env_file",
        Shape::Either(&[
            S,
            Shape::List(&Shape::Either(&[S, Shape::Fields(&ENV_FILE)])),
        ]),
        Form::Hidden,
    ),
    key(
        "expose",
        Shape::Set(&Shape::Scalar(TEXT | NUMBER)),
        Form::Texts,
    ),
    key(
        "extends",
        Shape::Either(&[S, Shape::Fields(&EXTENDS)]),
        Form::Fields(&EXTENDS),
    ),
    key("external_links", SET, Form::Texts),
    key("extra_hosts", HOSTS, Form::Hosts),
    key(
        "group_add",
        Shape::Set(&Shape::Scalar(TEXT | NUMBER)),
        Form::Texts,
    ),
    key(
        "gpus",
        Shape::Either(&[Shape::Word(&["all"]), Shape::List(&Shape::Fields(&GPU))]),
        Form::Each(&GPU),
    ),
    key("hostname", S, Form::Text),
    key(
        "healthcheck",
        Shape::Fields(&HEALTHCHECK),
        Form::Fields(&HEALTHCHECK),
    ),
    key("image", S, Form::Text),
    key("init", FLAG, Form::SaidFlag),
    key("ipc", S, Form::Text),
    key("isolation", S, Form::Text),
    key("labels", PAIRS, Form::Pairs),
    key("label_file", TEXT_OR_LIST, Form::Hidden),
    key("links", SET, Form::Texts),
    key("logging", Shape::Fields(&LOGGING), Form::Fields(&LOGGING)),
    key("mem_limit", NUM, Form::Bytes),
    key("mem_reservation", WHOLE, Form::Bytes),
    key("memswap_limit", NUM, Form::Bytes),
    key("mem_swappiness", WHOLE, Form::Bytes),
    key("mac_address", S, Form::Text),
    key("models", SERVICE_MODELS, Form::Named(&SERVICE_MODEL)),
    key("network_mode", S, Form::Text),
    key("networks", NETWORKS, Form::Named(&SERVICE_NETWORK)),
    key("oom_kill_disable", FLAG, Form::Flag),
    key("oom_score_adj", Shape::Between(-1000, 1000), Form::Whole),
    key("pid", Shape::Scalar(TEXT | NULL), Form::Text),
    key("pids_limit", NUM, Form::Whole),
    key("platform", S, Form::Text),
    key(
        "ports",
        Shape::Set(&Shape::Either(&[
            Shape::Scalar(TEXT | NUMBER),
            Shape::Fields(&PORT),
        ])),
        Form::Each(&PORT),
    ),
    key("privileged", FLAG, Form::Flag),
    key(
        "pull_policy",
        Shape::Fitting(
            is_pull_policy,
            "`always`, `missing`, `never`, `build`, `daily`, `weekly` \
                                        or `every_` with a duration",
        ),
        Form::Text,
    ),
    key("pull_refresh_after", S, Form::Hidden),
    key("read_only", FLAG, Form::Flag),
    key("restart", S, Form::Text),
    key("runtime", S, Form::Text),
    key("scale", WHOLE, Form::SaidWhole),
    key("secrets", FILE_MOUNTS, Form::Each(&FILE_MOUNT)),
    key("security_opt", SET, Form::Texts),
    key("shm_size", NUM, Form::Bytes),
    key("stdin_open", FLAG, Form::Flag),
    key("stop_grace_period", S, Form::SaidDuration),
    key("stop_signal", S, Form::Text),
    key(
        "storage_opt",
        Shape::Named(&Shape::Scalar(TEXT | INT | NULL), Names::Any),
        Form::Pairs,
    ),
    key("sysctls", PAIRS, Form::Pairs),
    key("tmpfs", TEXT_OR_SET, Form::Texts),
    key("tty", FLAG, Form::Flag),
    key("ulimits", ULIMITS, Form::Ulimits),
    key("use_api_socket", PLAIN_FLAG, Form::Flag),
    key("user", S, Form::Text),
    key("userns_mode", S, Form::Text),
    key("uts", S, Form::Text),
    key(
        "volumes",
        Shape::Set(&Shape::Either(&[S, Shape::Fields(&MOUNT)])),
        Form::Each(&MOUNT),
    ),
    key("volumes_from", SET, Form::Texts),
    key("working_dir", S, Form::Text),
    key(
        "post_start",
        Shape::List(&Shape::Fields(&HOOK)),
        Form::Each(&HOOK),
    ),
    key(
        "pre_stop",
        Shape::List(&Shape::Fields(&HOOK)),
        Form::Each(&HOOK),
    ),
]);

/// Somewhere in it, a letter or digit and one more character of a name.
fn is_container_name(text: &str) -> bool {
    let follows = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let pairs = text.as_bytes().windows(2);
    pairs
        .into_iter()
        .any(|pair| pair[0].is_ascii_alphanumeric() && follows(pair[1]))
}

fn is_pull_policy(text: &str) -> bool {
    let words = [
        "always",
        "never",
        "build",
        "if_not_present",
        "missing",
        "refresh",
        "daily",
        "weekly",
    ];
    words.iter().any(|word| text.contains(word))
        || text.split("every_").skip(1).any(starts_with_time)
}

/// Whether it begins with a number and a unit.
fn starts_with_time(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with(['w', 'd', 'h', 'm', 's'])
}

static DEPENDENCY: Fields = demanding(
    &[
        key(
            "condition",
            Shape::Word(&[
                "service_started",
                "service_healthy",
                "service_completed_successfully",
            ]),
            Form::Text,
        ),
        key("restart", FLAG, Form::Flag),
        shown("required", "required", PLAIN_FLAG, Form::Flag),
    ],
    &["condition"],
);

static PROVIDER: Fields = demanding(
    &[
        key("type", S, Form::Text),
        key(
            "options",
            Shape::Named(
                &Shape::Either(&[
                    Shape::Scalar(TEXT | NUMBER | BOOL),
                    Shape::List(&Shape::Scalar(TEXT | NUMBER | BOOL)),
                ]),
                Names::Any,
            ),
            Form::Multi,
        ),
    ],
    &["type"],
);

static ENV_FILE: Fields = Fields {
    keys: &[
        key("path", S, Form::Hidden),
        key("format", S, Form::Hidden),
        key("required", FLAG, Form::Hidden),
    ],
    required: &["path"],
    extensible: false,
};

static EXTENDS: Fields = Fields {
    keys: &[key("file", S, Form::Text), key("service", S, Form::Text)],
    required: &["service"],
    extensible: false,
};

static HEALTHCHECK: Fields = fields(&[
    key("test", TEXT_OR_LIST, Form::Test),
    key("timeout", S, Form::SaidDuration),
    key("interval", S, Form::SaidDuration),
    key("retries", NUM, Form::SaidWhole),
    key("start_period", S, Form::SaidDuration),
    key("start_interval", S, Form::SaidDuration),
    key("disable", FLAG, Form::Flag),
]);

static LOGGING: Fields = fields(&[
    key("driver", S, Form::Text),
    key(
        "options",
        Shape::Named(&Shape::Scalar(TEXT | NUMBER | NULL), Names::Any),
        Form::Pairs,
    ),
]);

const NETWORKS: Shape = Shape::Either(&[
    SET,
    Shape::Named(
        &Shape::Either(&[Shape::Fields(&SERVICE_NETWORK), NOTHING]),
        Names::Plain,
    ),
]);

static SERVICE_NETWORK: Fields = fields(&[
    key("aliases", SET, Form::Texts),
    key("driver_opts", OPTIONS, Form::Pairs),
    key("gw_priority", Shape::Scalar(NUMBER), Form::Whole),
    key("interface_name", S, Form::Text),
    key("ipv4_address", S, Form::Text),
    key("ipv6_address", S, Form::Text),
    key("link_local_ips", SET, Form::Texts),
    key("mac_address", S, Form::Text),
    key("priority", Shape::Scalar(NUMBER), Form::Whole),
]);

static PORT: Fields = fields(&[
    key("name", S, Form::Text),
    key("mode", S, Form::Text),
    key("host_ip", S, Form::Text),
    key("target", WHOLE, Form::Unsigned),
    key("published", WHOLE, Form::Text),
    key("protocol", S, Form::Text),
    key("app_protocol", S, Form::Text),
]);

static MOUNT: Fields = demanding(
    &[
        key(
            "type",
            Shape::Word(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"]),
            Form::Text,
        ),
        key("source", S, Form::Text),
        key("target", S, Form::Text),
        key("read_only", FLAG, Form::Flag),
        key("consistency", S, Form::Text),
        key("bind", Shape::Fields(&BIND), Form::Fields(&BIND)),
        key(
            "volume",
            Shape::Fields(&MOUNTED_VOLUME),
            Form::Fields(&MOUNTED_VOLUME),
        ),
        key("tmpfs", Shape::Fields(&TMPFS), Form::Fields(&TMPFS)),
        key(
            "image",
            Shape::Fields(&MOUNTED_IMAGE),
            Form::Fields(&MOUNTED_IMAGE),
        ),
    ],
    &["type"],
);

static BIND: Fields = fields(&[
    key("selinux", Shape::Word(&["z", "Z"]), Form::Text),
    key("propagation", S, Form::Text),
    key("create_host_path", FLAG, Form::Flag),
    key(
        "recursive",
        Shape::Word(&["enabled", "disabled", "writable", "readonly"]),
        Form::Text,
    ),
]);

static MOUNTED_VOLUME: Fields = fields(&[
    key("labels", PAIRS, Form::Pairs),
    key("nocopy", FLAG, Form::Flag),
    key("subpath", S, Form::Text),
]);

static TMPFS: Fields = fields(&[
    key("size", Shape::Between(0, i128::MAX), Form::Bytes),
    key("mode", NUM, Form::Unsigned),
]);

static MOUNTED_IMAGE: Fields = fields(&[key("subpath", S, Form::Text)]);

/// A secret or config in a container.
pub(super) static FILE_MOUNT: Fields = fields(&[
    key("source", S, Form::Text),
    key("target", S, Form::Text),
    key("uid", S, Form::Text),
    key("gid", S, Form::Text),
    key("mode", NUM, Form::Mode),
]);

/// Secrets or configs of a service.
pub(super) const FILE_MOUNTS: Shape = Shape::List(&Shape::Either(&[S, Shape::Fields(&FILE_MOUNT)]));

/// What is run in a container at some moment of its life.
pub(super) static HOOK: Fields = demanding(
    &[
        shown("command", "command", COMMAND, Form::Command),
        key("user", S, Form::Text),
        key("privileged", FLAG, Form::Flag),
        key("working_dir", S, Form::Text),
        key("environment", PAIRS, Form::Variables),
    ],
    &["command"],
);
