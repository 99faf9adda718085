//! The types that values have.

use super::Section;

/// The type of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A string that holds what the noun says: "path", "host".
    Text(&'static str),
    /// A string such as `30s`.
    Duration,
    /// A string such as `512M`.
    Size,
    /// A string that is split into words, or an array of strings.
    Argv,
    /// An integer in a range.
    Integer(u64, u64),
    /// A number in a range.
    Number(f64, f64),
    /// `true` or `false`.
    Boolean,
    /// `true`, where writing `false` says nothing.
    True,
    /// A status, a class of statuses or a range of them.
    Status,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A string, number or boolean, passed on as text.
    Scalar,
    /// An array of these.
    List(&'static Kind),
    /// A table from names to these.
    Map(&'static Kind),
    /// A table with known keys.
    Table(&'static Section),
    /// Any of these types.
    Any(&'static [Kind]),
    /// A key that this version does not support.
    Later,
}

impl Kind {
    /// The type for people, without an article.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text(noun) => (*noun).to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Size => "size".to_owned(),
            Self::Argv => "command".to_owned(),
            Self::Integer(from, to) if *to >= u64::from(u32::MAX) => format!("integer from {from}"),
            Self::Integer(from, to) => format!("integer, {from} to {to}"),
            Self::Number(from, to) => format!("number, {from} to {to}"),
            Self::Boolean => "boolean".to_owned(),
            Self::True => "`true`".to_owned(),
            Self::Status => "status".to_owned(),
            Self::Choice(choices) => choices
                .iter()
                .map(|choice| format!("`\"{choice}\"`"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Scalar => "string, number or boolean".to_owned(),
            Self::List(item) => format!("array of {}", item.describe()),
            Self::Map(item) => format!("table of name to {}", item.describe()),
            Self::Table(section) => format!("table: {}", section.title),
            Self::Any(kinds) => kinds
                .iter()
                .map(Self::describe)
                .collect::<Vec<_>>()
                .join(" or "),
            Self::Later => "not supported yet".to_owned(),
        }
    }

    /// The sections that values of this type have below them.
    pub(crate) fn sections(&self) -> Vec<&'static Section> {
        match self {
            Self::List(item) | Self::Map(item) => item.sections(),
            Self::Table(section) => vec![section],
            Self::Any(kinds) => kinds.iter().flat_map(Self::sections).collect(),
            _ => Vec::new(),
        }
    }
}
