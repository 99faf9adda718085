//! A table whose keys are known.

use toml::de::DeTable;

use super::{Context, Node, Problem, Span};
use crate::diagnostics::nearest;
use crate::keys::{Key, Kind, Section};

/// A table whose keys are those of a section.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) context: &'a Context,
    table: &'a DeTable<'a>,
    section: &'static Section,
    /// What is marked when something is missing.
    pub(crate) place: Span,
}

impl<'a> Table<'a> {
    /// Opens a table and says which of its keys are not keys of the section.
    pub(crate) fn new(
        context: &'a Context,
        table: &'a DeTable<'a>,
        section: &'static Section,
        place: Span,
    ) -> Self {
        for key in table.keys() {
            let name: &str = key.get_ref();
            match section.key(name) {
                Some(Key {
                    kind: Kind::Later, ..
                }) => context.problem(key.span().into(), unsupported(name)),
                Some(_) => {}
                None => context.problem(key.span().into(), unknown(section, name)),
            }
        }
        Self::again(context, table, section, place)
    }

    /// Opens a table whose keys have been looked at.
    pub(crate) fn again(
        context: &'a Context,
        table: &'a DeTable<'a>,
        section: &'static Section,
        place: Span,
    ) -> Self {
        Self {
            context,
            table,
            section,
            place,
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &'static str) -> Option<Node<'a>> {
        debug_assert!(
            self.section.key(key).is_some(),
            "{key} is not in the registry"
        );
        Some(Node::new(self.context, self.table.get(key)?))
    }

    /// The place of a key itself.
    pub(crate) fn key_span(&self, key: &'static str) -> Option<Span> {
        Some(self.table.get_key_value(key)?.0.span().into())
    }

    /// The value of a key, or that it is missing.
    pub(crate) fn require(&self, key: &'static str) -> Option<Node<'a>> {
        let value = self.get(key);
        if value.is_none() {
            let title = self.section.title;
            let mut problem = Problem::new("missing-key", format!("{title} needs `{key}`"))
                .label(format!("`{key}` is missing"));
            if let Some(known) = self.section.key(key) {
                problem = problem.fix(format!("add `{key} = {}`", known.example));
            }
            self.context.problem(self.place, problem);
        }
        value
    }

    /// The one of these keys that is set. Two of them are an error at the second.
    pub(crate) fn one_of(&self, keys: &[&'static str]) -> Option<(&'static str, Node<'a>)> {
        let mut set: Vec<(Span, &'static str)> = keys
            .iter()
            .filter_map(|&key| Some((self.key_span(key)?, key)))
            .collect();
        set.sort_by_key(|&(span, _)| span);
        if let [(first, kept), more @ ..] = set.as_slice() {
            for &(second, key) in more {
                let diagnostic = crate::Diagnostic::error(
                    "conflicting-keys",
                    format!("`{kept}` and `{key}` exclude each other"),
                )
                .at(self.context.source(), second.into(), "this one as well")
                .near(self.context.source(), (*first).into(), "set here")
                .fix("keep one of them");
                self.context.report(diagnostic);
            }
        }
        let &(_, key) = set.first()?;
        Some((key, self.get(key)?))
    }
}

fn unsupported(name: &str) -> Problem {
    Problem::new(
        "unsupported-key",
        format!("`{name}` is not supported by this version of landfall"),
    )
    .label("not supported yet")
    .fix("remove it; process and static services are supported")
}

fn unknown(section: &Section, name: &str) -> Problem {
    let title = section.title;
    let problem = Problem::new("unknown-key", format!("{title} has no key `{name}`"));
    let names = section
        .keys
        .iter()
        .filter(|key| !matches!(key.kind, Kind::Later))
        .map(|key| key.name);
    let meant = section
        .keys
        .iter()
        .find(|key| key.aliases.contains(&name))
        .map(|key| key.name)
        .or_else(|| nearest(name, names.clone()));
    match meant {
        Some(meant) => problem
            .label("unknown key")
            .fix(format!("did you mean `{meant}`?")),
        None => problem.label("unknown key").fix(format!(
            "known keys: {}",
            names.collect::<Vec<_>>().join(", ")
        )),
    }
}
