//! Keeps values of variables that look like secrets out of what is shown.

use landfall_model::env::{Part, Template};
use landfall_model::spec::AppSpec;

/// Words in a variable's name that make its value a secret.
const SECRET_NAMES: [&str; 9] = [
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "KEY",
    "CREDENTIAL",
    "DSN",
    "_URL",
    "AUTH",
];
/// Values shorter than this are not replaced: they would blank out ordinary words.
const MIN_LENGTH: usize = 6;

/// Replaces secrets in text.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    /// Knows the secrets of these specs.
    pub fn new<'a>(specs: impl IntoIterator<Item = &'a AppSpec>) -> Self {
        let mut secrets: Vec<String> = specs
            .into_iter()
            .flat_map(|spec| {
                let services = spec.services.values().flat_map(|service| &service.env);
                services.chain(spec.tasks.values().flat_map(|task| &task.env))
            })
            .filter(|(name, _)| is_secret_name(name))
            .flat_map(|(_, template)| texts(template))
            .filter(|text| text.len() >= MIN_LENGTH)
            .collect();
        // The longest first, so that a secret that contains another is replaced whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// `text` without secrets.
    pub fn redact(&self, text: &str) -> String {
        let replace = |text: String, secret: &String| text.replace(secret.as_str(), "[secret]");
        self.secrets.iter().fold(text.to_owned(), replace)
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|word| name.contains(word))
}

fn texts(template: &Template) -> Vec<String> {
    let text = |part: &Part| match part {
        Part::Text(text) => Some(text.reveal().to_owned()),
        _ => None,
    };
    template.0.iter().filter_map(text).collect()
}
