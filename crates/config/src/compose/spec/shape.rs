//! How keys are described.

/// Types of scalars that a value may be of; they add up.
pub(super) const TEXT: u8 = 1;
pub(super) const BOOL: u8 = 2;
pub(super) const INT: u8 = 4;
pub(super) const NUMBER: u8 = 8;
pub(super) const NULL: u8 = 16;

/// What a value may be.
pub(crate) enum Shape {
    /// A scalar of one of these types.
    Scalar(u8),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text that fits; with what it has to be.
    Fitting(fn(&str) -> bool, &'static str),
    /// A text, or a whole number between two others.
    Between(i128, i128),
    /// A list.
    List(&'static Shape),
    /// A list of which no item may be there twice.
    Set(&'static Shape),
    /// A mapping with these fields.
    Fields(&'static Fields),
    /// A mapping with names of people's own.
    Named(&'static Shape, Names),
    /// The first of these that has the type of the value.
    Either(&'static [Shape]),
}

/// Which names a mapping may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Any that is not empty.
    Any,
    /// Letters, digits, `.`, `_` and `-`.
    Plain,
    /// Others are allowed, and not looked into.
    PlainOrFree,
    /// Small letters are looked into.
    LowerOrFree,
}

/// The fields of a mapping.
pub(crate) struct Fields {
    pub(crate) keys: &'static [Key],
    pub(crate) required: &'static [&'static str],
    /// Whether `x-…` may stand there as well.
    pub(crate) extensible: bool,
}

/// A field of a mapping.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(super) shape: Shape,
    pub(crate) form: Form,
    /// The name under which it is printed.
    pub(crate) shown: &'static str,
    /// Whether it is printed even if nothing is said.
    pub(crate) always: bool,
}

/// How a value is printed in the canonical form.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// Not at all.
    Hidden,
    /// A text, unless it is empty.
    Text,
    /// `true`, or nothing.
    Flag,
    /// `true` or `false`, where something is said.
    SaidFlag,
    /// A whole number, unless it is zero.
    Whole,
    /// A whole number that no text may stand for, unless it is zero.
    Unsigned,
    /// A whole number, where something is said.
    SaidWhole,
    /// A number, unless it is zero.
    Float,
    /// A size as a text of bytes, unless it is zero.
    Bytes,
    /// A duration, unless it is zero.
    Duration,
    /// A duration, where something is said.
    SaidDuration,
    /// The mode of a file as an octal text.
    Mode,
    /// A list of texts, unless it is empty.
    Texts,
    /// The words of a command; `null` where nothing is said.
    Command,
    /// The test of a health check.
    Test,
    /// Variables, of which some may be without a value.
    Variables,
    /// Names with texts.
    Pairs,
    /// Names with lists of texts.
    Multi,
    /// `host=address`.
    Hosts,
    /// Keys for ssh.
    Ssh,
    /// A count of devices, where `all` is -1.
    Count,
    /// Limits, as one number or as two.
    Ulimits,
    /// A mapping, where something is said.
    Fields(&'static Fields),
    /// A mapping, always.
    Whatever(&'static Fields),
    /// A list of mappings, unless it is empty.
    Each(&'static Fields),
    /// Names with mappings, or without anything.
    Named(&'static Fields),
}

pub(super) const fn key(name: &'static str, shape: Shape, form: Form) -> Key {
    Key {
        name,
        shape,
        form,
        shown: name,
        always: false,
    }
}

/// The same, printed under another name and always.
pub(super) const fn shown(
    name: &'static str,
    shown: &'static str,
    shape: Shape,
    form: Form,
) -> Key {
    Key {
        name,
        shape,
        form,
        shown,
        always: true,
    }
}

/// A mapping that may hold `x-…` as well.
pub(super) const fn fields(keys: &'static [Key]) -> Fields {
    Fields {
        keys,
        required: &[],
        extensible: true,
    }
}

/// A mapping of which some fields have to be there.
pub(super) const fn demanding(keys: &'static [Key], required: &'static [&'static str]) -> Fields {
    Fields {
        keys,
        required,
        extensible: true,
    }
}

impl Fields {
    /// The field of this name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

pub(super) const S: Shape = Shape::Scalar(TEXT);
pub(super) const FLAG: Shape = Shape::Scalar(BOOL | TEXT);
pub(super) const PLAIN_FLAG: Shape = Shape::Scalar(BOOL);
pub(super) const WHOLE: Shape = Shape::Scalar(INT | TEXT);
pub(super) const NUM: Shape = Shape::Scalar(NUMBER | TEXT);
pub(super) const TEXTS: Shape = Shape::List(&S);
pub(super) const SET: Shape = Shape::Set(&S);
pub(super) const TEXT_OR_SET: Shape = Shape::Either(&[S, SET]);
pub(super) const TEXT_OR_LIST: Shape = Shape::Either(&[S, TEXTS]);
pub(super) const COMMAND: Shape = Shape::Either(&[Shape::Scalar(NULL), S, TEXTS]);
pub(super) const PAIRS: Shape = Shape::Either(&[
    Shape::Named(&Shape::Scalar(TEXT | NUMBER | BOOL | NULL), Names::Any),
    SET,
]);
pub(super) const HOSTS: Shape = Shape::Either(&[Shape::Named(&TEXT_OR_LIST, Names::Any), SET]);
pub(super) const OPTIONS: Shape = Shape::Named(&Shape::Scalar(TEXT | NUMBER), Names::Any);
pub(super) const NOTHING: Shape = Shape::Scalar(NULL);
