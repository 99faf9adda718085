//! Keys of `deploy`.

use super::hardware::REQUESTED_DEVICE;
use super::shape::{Fields, Form, NUM, PAIRS, S, Shape, TEXTS, WHOLE, fields, key, shown};

/// `deploy`.
pub(super) static DEPLOY: Fields = fields(&[
    key("mode", S, Form::Text),
    key("replicas", WHOLE, Form::SaidWhole),
    key("labels", PAIRS, Form::Pairs),
    key(
        "update_config",
        Shape::Fields(&UPDATE),
        Form::Fields(&UPDATE),
    ),
    key(
        "rollback_config",
        Shape::Fields(&UPDATE),
        Form::Fields(&UPDATE),
    ),
    key(
        "resources",
        Shape::Fields(&RESOURCES),
        Form::Whatever(&RESOURCES),
    ),
    key(
        "restart_policy",
        Shape::Fields(&RESTART),
        Form::Fields(&RESTART),
    ),
    key(
        "placement",
        Shape::Fields(&PLACEMENT),
        Form::Whatever(&PLACEMENT),
    ),
    key("endpoint_mode", S, Form::Text),
]);

static UPDATE: Fields = fields(&[
    key("parallelism", WHOLE, Form::SaidWhole),
    key("delay", S, Form::Duration),
    key("failure_action", S, Form::Text),
    key("monitor", S, Form::Duration),
    key("max_failure_ratio", NUM, Form::Float),
    key(
        "order",
        Shape::Word(&["start-first", "stop-first"]),
        Form::Text,
    ),
]);

static RESOURCES: Fields = fields(&[
    key("limits", Shape::Fields(&LIMITS), Form::Fields(&LIMITS)),
    key(
        "reservations",
        Shape::Fields(&RESERVATIONS),
        Form::Fields(&RESERVATIONS),
    ),
]);

static LIMITS: Fields = fields(&[
    key("cpus", NUM, Form::Float),
    key("memory", S, Form::Bytes),
    key("pids", WHOLE, Form::Whole),
]);

static RESERVATIONS: Fields = fields(&[
    key("cpus", NUM, Form::Float),
    key("memory", S, Form::Bytes),
    key(
        "devices",
        Shape::List(&Shape::Fields(&REQUESTED_DEVICE)),
        Form::Each(&REQUESTED_DEVICE),
    ),
    key(
        "generic_resources",
        Shape::List(&Shape::Fields(&GENERIC)),
        Form::Each(&GENERIC),
    ),
]);

static GENERIC: Fields = fields(&[key(
    "discrete_resource_spec",
    Shape::Fields(&DISCRETE),
    Form::Fields(&DISCRETE),
)]);

static DISCRETE: Fields = fields(&[
    shown("kind", "kind", S, Form::Text),
    shown("value", "value", NUM, Form::Whole),
]);

static RESTART: Fields = fields(&[
    key("condition", S, Form::Text),
    key("delay", S, Form::SaidDuration),
    key("max_attempts", WHOLE, Form::SaidWhole),
    key("window", S, Form::SaidDuration),
]);

static PLACEMENT: Fields = fields(&[
    key("constraints", TEXTS, Form::Texts),
    key(
        "preferences",
        Shape::List(&Shape::Fields(&PREFERENCE)),
        Form::Each(&PREFERENCE),
    ),
    key("max_replicas_per_node", WHOLE, Form::Unsigned),
]);

static PREFERENCE: Fields = fields(&[key("spread", S, Form::Text)]);
