//! The document itself, and what services share: networks, volumes, secrets, configs, models.

use super::service::SERVICE;
use super::shape::{
    BOOL, FLAG, Fields, Form, INT, NOTHING, Names, OPTIONS, PAIRS, S, Shape, TEXT, TEXT_OR_SET,
    TEXTS, demanding, fields, key,
};

/// The document.
pub(in crate::compose) static TOP: Fields = fields(&[
    key("version", S, Form::Hidden),
    key("name", S, Form::Text),
    key(
        "include",
        Shape::List(&Shape::Either(&[S, Shape::Fields(&INCLUDE)])),
        Form::Hidden,
    ),
    key(
        "services",
        Shape::Named(&Shape::Fields(&SERVICE), Names::Plain),
        Form::Named(&SERVICE),
    ),
    key(
        "models",
        Shape::Named(&Shape::Fields(&MODEL), Names::PlainOrFree),
        Form::Named(&MODEL),
    ),
    key(
        "networks",
        Shape::Named(
            &Shape::Either(&[Shape::Fields(&NETWORK), NOTHING]),
            Names::PlainOrFree,
        ),
        Form::Named(&NETWORK),
    ),
    key(
        "volumes",
        Shape::Named(
            &Shape::Either(&[Shape::Fields(&VOLUME), NOTHING]),
            Names::Plain,
        ),
        Form::Named(&VOLUME),
    ),
    key(
        "secrets",
        Shape::Named(&Shape::Fields(&SECRET), Names::Plain),
        Form::Named(&SECRET),
    ),
    key(
        "configs",
        Shape::Named(&Shape::Fields(&CONFIG), Names::Plain),
        Form::Named(&CONFIG),
    ),
]);

static INCLUDE: Fields = Fields {
    keys: &[
        key("path", TEXT_OR_SET, Form::Hidden),
        key("env_file", TEXT_OR_SET, Form::Hidden),
        key("project_directory", S, Form::Hidden),
    ],
    required: &[],
    extensible: false,
};

static MODEL: Fields = demanding(
    &[
        key("name", S, Form::Text),
        key("model", S, Form::Text),
        key("context_size", Shape::Scalar(INT), Form::Whole),
        key("runtime_flags", TEXTS, Form::Texts),
    ],
    &["model"],
);

const EXTERNAL: Shape = Shape::Either(&[Shape::Scalar(BOOL | TEXT), Shape::Fields(&EXTERNAL_NAME)]);

static EXTERNAL_NAME: Fields = fields(&[key("name", S, Form::Hidden)]);

static NETWORK: Fields = fields(&[
    key("name", S, Form::Text),
    key("driver", S, Form::Text),
    key("driver_opts", OPTIONS, Form::Pairs),
    key("ipam", Shape::Fields(&IPAM), Form::Whatever(&IPAM)),
    key("external", EXTERNAL, Form::Flag),
    key("internal", FLAG, Form::Flag),
    key("attachable", FLAG, Form::Flag),
    key("labels", PAIRS, Form::Pairs),
    key("enable_ipv4", FLAG, Form::SaidFlag),
    key("enable_ipv6", FLAG, Form::SaidFlag),
]);

static IPAM: Fields = fields(&[
    key("driver", S, Form::Text),
    key(
        "config",
        Shape::List(&Shape::Fields(&POOL)),
        Form::Each(&POOL),
    ),
    key("options", Shape::Named(&S, Names::Any), Form::Hidden),
]);

static POOL: Fields = fields(&[
    key("subnet", S, Form::Text),
    key("gateway", S, Form::Text),
    key("ip_range", S, Form::Text),
    key("aux_addresses", Shape::Named(&S, Names::Any), Form::Pairs),
]);

static VOLUME: Fields = fields(&[
    key("name", S, Form::Text),
    key("driver", S, Form::Text),
    key("driver_opts", OPTIONS, Form::Pairs),
    key("external", EXTERNAL, Form::Flag),
    key("labels", PAIRS, Form::Pairs),
]);

static SECRET: Fields = fields(&[
    key("name", S, Form::Text),
    key("file", S, Form::Text),
    key("environment", S, Form::Text),
    key("external", EXTERNAL, Form::Flag),
    key("labels", PAIRS, Form::Pairs),
    key("driver", S, Form::Text),
    key("driver_opts", OPTIONS, Form::Pairs),
    key("template_driver", S, Form::Text),
]);

static CONFIG: Fields = fields(&[
    key("name", S, Form::Text),
    key("file", S, Form::Text),
    key("environment", S, Form::Text),
    key("content", S, Form::Text),
    key(
        "external",
        Shape::Either(&[Shape::Scalar(BOOL | TEXT), Shape::Fields(&EXTERNAL_NAME)]),
        Form::Flag,
    ),
    key("labels", PAIRS, Form::Pairs),
    key("template_driver", S, Form::Text),
]);
