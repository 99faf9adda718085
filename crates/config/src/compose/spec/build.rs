//! Keys of `build` and `develop`.

use super::hardware::ULIMITS;
use super::service::{FILE_MOUNT, FILE_MOUNTS, HOOK};
use super::shape::{
    BOOL, FLAG, Fields, Form, HOSTS, Key, PAIRS, PLAIN_FLAG, S, Shape, TEXT, TEXT_OR_SET, TEXTS,
    WHOLE, demanding, fields, key, shown,
};

/// `build` as a mapping.
pub(super) static BUILD: Fields = fields(&[
    key("context", S, Form::Text),
    key("dockerfile", S, Form::Text),
    key("dockerfile_inline", S, Form::Text),
    key("entitlements", TEXTS, Form::Texts),
    key("args", PAIRS, Form::Variables),
    key("provenance", Shape::Scalar(TEXT | BOOL), Form::Text),
    key("sbom", Shape::Scalar(TEXT | BOOL), Form::Text),
    key("ssh", PAIRS, Form::Ssh),
    key("labels", PAIRS, Form::Pairs),
    key("cache_from", TEXTS, Form::Texts),
    key("cache_to", TEXTS, Form::Texts),
    key("no_cache", FLAG, Form::Flag),
    key("additional_contexts", PAIRS, Form::Pairs),
    key("pull", FLAG, Form::Flag),
    key("extra_hosts", HOSTS, Form::Hosts),
    key("isolation", S, Form::Text),
    key("network", S, Form::Text),
    key("target", S, Form::Text),
    key("secrets", FILE_MOUNTS, Form::Each(&FILE_MOUNT)),
    key("shm_size", WHOLE, Form::Bytes),
    key("tags", TEXTS, Form::Texts),
    key("ulimits", ULIMITS, Form::Ulimits),
    key("platforms", TEXTS, Form::Texts),
    key("privileged", FLAG, Form::Flag),
]);

/// `develop`.
pub(super) static DEVELOP: Fields = fields(&[key(
    "watch",
    Shape::List(&Shape::Fields(&WATCH)),
    Form::Each(&WATCH),
)]);

const ACTIONS: Shape = Shape::Word(&["rebuild", "sync", "restart", "sync+restart", "sync+exec"]);

const WATCH_KEYS: &[Key] = &[
    shown("path", "path", S, Form::Text),
    shown("action", "action", ACTIONS, Form::Text),
    key("target", S, Form::Text),
    key("exec", Shape::Fields(&HOOK), Form::Whatever(&HOOK)),
    key("include", TEXT_OR_SET, Form::Texts),
    key("ignore", TEXT_OR_SET, Form::Texts),
    key("initial_sync", PLAIN_FLAG, Form::Flag),
];

static WATCH: Fields = demanding(WATCH_KEYS, &["path", "action"]);
