//! The registry as the reference for people.

use std::fmt::Write as _;

use super::{Key, Kind, ROOT, Section};

/// The reference of `landfall.toml`, in Markdown.
pub fn reference_markdown() -> String {
    let mut sections: Vec<&'static Section> = vec![&ROOT];
    let mut next = 0;
    while let Some(section) = sections.get(next) {
        for below in section.keys.iter().flat_map(|key| key.kind.sections()) {
            if !sections.iter().any(|known| known.id == below.id) {
                sections.push(below);
            }
        }
        next += 1;
    }
    let mut page = String::from(include_str!("reference.md"));
    for section in &sections {
        let _ = writeln!(page, "- [`{}`](#{})", section.title, anchor(section));
    }
    for section in sections {
        write_section(&mut page, section);
    }
    page
}

fn write_section(page: &mut String, section: &Section) {
    let _ = writeln!(page, "\n<a id=\"{}\"></a>", anchor(section));
    let _ = writeln!(page, "\n## `{}`\n\n{}", section.title, section.doc);
    for key in section.keys {
        if !matches!(key.kind, Kind::Later) {
            write_key(page, key);
        }
    }
}

fn write_key(page: &mut String, key: &Key) {
    let _ = writeln!(page, "\n### `{}`\n\n{}\n", key.name, key.doc);
    let _ = writeln!(page, "- Type: {}", key.kind.describe());
    if key.required {
        let _ = writeln!(page, "- Required");
    }
    if !key.default.is_empty() {
        let quoted = !key.default.contains(' ') && !key.default.contains('`');
        let tick = if quoted { "`" } else { "" };
        let _ = writeln!(page, "- Default: {tick}{}{tick}", key.default);
    }
    let _ = writeln!(page, "- Example: `{} = {}`", key.name, key.example);
}

fn anchor(section: &Section) -> String {
    format!("section-{}", section.id)
}
