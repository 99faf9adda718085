//! Links of the documentation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{existing, files, none, relative, root};

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let dirs = ["crates", "docs", "examples"].map(existing);
    let of_root = std::fs::read_dir(root()).expect("the checkout can be read");
    let of_root = of_root.map(|entry| entry.expect("an entry").path());
    let all = files(&dirs).into_iter().chain(of_root);
    let pages = all.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let mut wrong = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page can be read");
        let dead = links(&text).filter(|link| !leads_somewhere(&page, link));
        wrong.extend(dead.map(|link| format!("{} links to {link}", relative(&page))));
    }
    none(wrong);
}

/// Where the links of a page lead that stay in the checkout. Code is no text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| {
        let targets = line.split("](").skip(1);
        targets
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target)
            .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
    })
}

/// The lines outside blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target: PathBuf = match path {
        "" => page.to_owned(),
        path => page.with_file_name("").join(path),
    };
    if anchor.is_empty() {
        return target.exists();
    }
    let text = std::fs::read_to_string(&target).unwrap_or_default();
    anchors(&text).contains(anchor)
}

/// What the headings of a page are called in links.
fn anchors(text: &str) -> BTreeSet<String> {
    let named = text.split("<a id=\"").skip(1);
    let named = named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.flat_map(char::to_lowercase)
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .chain(named)
        .collect()
}
