//! Whether the symbolic links of a tree stay inside it.
//!
//! Counting `..` in the text of a target is not enough: a link through another link can climb
//! further than its text says. Targets are therefore resolved the way the kernel does it, over the
//! entries of the tree.

use crate::index::{Entry, EntryKind, InvalidTree};
use crate::path::TreePath;

/// The kernel gives up (`ELOOP`) after this many links on one path.
const MAX_HOPS: u32 = 40;
/// Segments looked at for one link. No real target comes near; a hostile one must not cost time.
const MAX_STEPS: u32 = 8192;

/// Checks every link of `entries`, which are sorted.
pub(crate) fn check(entries: &[Entry]) -> Result<(), InvalidTree> {
    for entry in entries {
        if let EntryKind::Symlink { target } = &entry.kind
            && escapes(entries, &entry.path, target)
        {
            return Err(InvalidTree::EscapingLink {
                link: entry.path.clone(),
                target: String::from_utf8_lossy(target).into_owned(),
            });
        }
    }
    Ok(())
}

fn escapes(entries: &[Entry], link: &TreePath, target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return true;
    }
    let parent = link.parent();
    let mut at: Vec<&[u8]> = parent.iter().flat_map(TreePath::segments).collect();
    let mut todo: Vec<&[u8]> = segments(target);
    let (mut hops, mut steps) = (0, 0);
    while let Some(segment) = todo.pop() {
        steps += 1;
        if steps > MAX_STEPS {
            return true;
        }
        match segment {
            b"" | b"." => {}
            b".." if at.pop().is_none() => return true,
            b".." => {}
            name => {
                at.push(name);
                let Some(next) = link_at(entries, &at) else {
                    continue;
                };
                hops += 1;
                if hops > MAX_HOPS {
                    // Nobody can follow it, so it leads nowhere.
                    return false;
                }
                if next.starts_with(b"/") {
                    return true;
                }
                at.pop();
                todo.extend(segments(next));
            }
        }
    }
    false
}

/// The segments of a target, last first.
fn segments(target: &[u8]) -> Vec<&[u8]> {
    target.split(|byte| *byte == b'/').rev().collect()
}

fn link_at<'a>(entries: &'a [Entry], at: &[&[u8]]) -> Option<&'a [u8]> {
    let path = at.join(&b'/');
    let found = entries
        .binary_search_by(|entry| entry.path.as_bytes().cmp(path.as_slice()))
        .ok()?;
    match &entries[found].kind {
        EntryKind::Symlink { target } => Some(target),
        EntryKind::Directory { .. } | EntryKind::File { .. } => None,
    }
}
