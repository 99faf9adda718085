//! Keys about devices, block I/O and limits of the kernel.

use super::shape::{
    Fields, Form, INT, Key, NOTHING, Names, PAIRS, S, SET, Shape, TEXT, WHOLE, demanding, fields,
    key, shown,
};

/// `gpus`, and `devices` of reservations.
pub(super) static REQUESTED_DEVICE: Fields = demanding(REQUESTED_DEVICE_KEYS, &["capabilities"]);

/// `gpus`, where anything else is allowed and not looked into.
pub(super) static GPU: Fields = fields(REQUESTED_DEVICE_KEYS);

const REQUESTED_DEVICE_KEYS: &[Key] = &[
    key("capabilities", SET, Form::Texts),
    key("driver", S, Form::Text),
    key("count", WHOLE, Form::Count),
    key("device_ids", SET, Form::Texts),
    key("options", PAIRS, Form::Pairs),
];

/// `devices` of a service.
pub(super) static DEVICE: Fields = demanding(
    &[
        key("source", S, Form::Text),
        key("target", S, Form::Text),
        key("permissions", S, Form::Text),
    ],
    &["source"],
);

/// `blkio_config`.
pub(super) static BLKIO: Fields = Fields {
    keys: &[
        key("weight", WHOLE, Form::Unsigned),
        key(
            "weight_device",
            Shape::List(&Shape::Fields(&WEIGHT)),
            Form::Each(&WEIGHT),
        ),
        key(
            "device_read_bps",
            Shape::List(&Shape::Fields(&RATE)),
            Form::Each(&RATE),
        ),
        key(
            "device_read_iops",
            Shape::List(&Shape::Fields(&RATE)),
            Form::Each(&RATE),
        ),
        key(
            "device_write_bps",
            Shape::List(&Shape::Fields(&RATE)),
            Form::Each(&RATE),
        ),
        key(
            "device_write_iops",
            Shape::List(&Shape::Fields(&RATE)),
            Form::Each(&RATE),
        ),
    ],
    required: &[],
    extensible: false,
};

static WEIGHT: Fields = Fields {
    keys: &[
        shown("path", "Path", S, Form::Text),
        shown("weight", "Weight", WHOLE, Form::Unsigned),
    ],
    required: &[],
    extensible: false,
};

static RATE: Fields = Fields {
    keys: &[
        shown("path", "Path", S, Form::Text),
        shown("rate", "Rate", WHOLE, Form::Bytes),
    ],
    required: &[],
    extensible: false,
};

/// `ulimits`.
pub(super) const ULIMITS: Shape = Shape::Named(
    &Shape::Either(&[Shape::Scalar(INT | TEXT), Shape::Fields(&ULIMIT)]),
    Names::LowerOrFree,
);

static ULIMIT: Fields = demanding(
    &[
        key("soft", WHOLE, Form::Whole),
        key("hard", WHOLE, Form::Whole),
    ],
    &["soft", "hard"],
);

/// `credential_spec`.
pub(super) static CREDENTIALS: Fields = fields(&[
    key("config", S, Form::Text),
    key("file", S, Form::Text),
    key("registry", S, Form::Text),
]);

/// A model of a service: how the service learns of it.
pub(super) static SERVICE_MODEL: Fields = fields(&[
    key("endpoint_var", S, Form::Text),
    key("model_var", S, Form::Text),
]);

/// `models` of a service.
pub(super) const SERVICE_MODELS: Shape = Shape::Either(&[
    SET,
    Shape::Named(
        &Shape::Either(&[Shape::Fields(&SERVICE_MODEL), NOTHING]),
        Names::PlainOrFree,
    ),
]);
