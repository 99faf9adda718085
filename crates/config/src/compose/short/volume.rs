//! `[source:]target[:options]` of volumes.

use crate::compose::tree::{Map, Node, Value};
use crate::diagnostics::Diagnostic;

/// What a text says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VolumeSpec<'a> {
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
    options: Vec<&'a str>,
}

pub(crate) fn parse(spec: &str) -> Result<VolumeSpec<'_>, String> {
    if spec.is_empty() {
        return Err("a volume needs a target".into());
    }
    if spec.len() <= 2 {
        return Ok(VolumeSpec {
            source: "",
            target: spec,
            options: Vec::new(),
        });
    }
    let parts = split(spec);
    if parts.iter().any(|part| part.is_empty()) {
        return Err("nothing stands between two colons".into());
    }
    match parts[..] {
        [target] => Ok(VolumeSpec {
            source: "",
            target,
            options: Vec::new(),
        }),
        [source, target] => Ok(VolumeSpec {
            source,
            target,
            options: Vec::new(),
        }),
        [source, target, options] => Ok(VolumeSpec {
            source,
            target,
            options: options.split(',').collect(),
        }),
        _ => Err("there are too many colons".into()),
    }
}

/// At colons, but not at that of a Windows drive nor in `${…}`.
fn split(spec: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut braces) = (0, 0_usize);
    for (at, c) in spec.char_indices() {
        match c {
            '$' if spec[at + 1..].starts_with('{') => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            ':' if braces == 0 && !is_drive(&spec[start..at]) => {
                parts.push(&spec[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&spec[start..]);
    parts
}

fn is_drive(text: &str) -> bool {
    let mut chars = text.chars();
    matches!((chars.next(), chars.next()), (Some(letter), None) if letter.is_alphabetic())
}

impl VolumeSpec<'_> {
    /// Whether the source is a path rather than the name of a volume.
    fn is_bind(&self) -> bool {
        let first_colon = self.source.find(':').map(|at| &self.source[..at]);
        self.source.starts_with(['.', '/', '~'])
            || self.source.starts_with(r"\\")
            || first_colon.is_some_and(is_drive)
    }

    /// The mapping that it stands for.
    pub(crate) fn node(&self, at: &Node) -> Node {
        let text = |text: &str| at.text_here(text);
        let flag = || at.here(Value::Bool(true));
        let mut map = Map::new();
        let kind = if self.is_bind() { "bind" } else { "volume" };
        map.insert("type".into(), text(kind));
        if !self.source.is_empty() {
            map.insert("source".into(), text(self.source));
        }
        map.insert("target".into(), text(&clean_target(self.target)));
        let (mut bind, mut volume) = (Map::new(), Map::new());
        let mut read_only = false;
        for option in &self.options {
            match *option {
                "ro" => read_only = true,
                "rw" => read_only = false,
                "nocopy" => drop(volume.insert("nocopy".into(), flag())),
                "z" | "Z" => drop(bind.insert("selinux".into(), text(option))),
                "rprivate" | "private" | "rshared" | "shared" | "rslave" | "slave" => {
                    drop(bind.insert("propagation".into(), text(option)));
                }
                _ => {}
            }
        }
        if read_only {
            map.insert("read_only".into(), flag());
        }
        let (is_bind, with_options) = (self.is_bind(), !bind.is_empty());
        if is_bind {
            // The short form makes the directory where it is missing, as it always did.
            bind.insert("create_host_path".into(), flag());
        }
        if is_bind || with_options {
            map.insert("bind".into(), at.here(Value::Map(bind)));
        }
        let is_short = self.source.is_empty() && self.target.len() <= 2;
        if (!is_bind && !is_short) || !volume.is_empty() {
            map.insert("volume".into(), at.here(Value::Map(volume)));
        }
        at.here(Value::Map(map))
    }
}

/// A path without `.`, `..` and double slashes.
pub(crate) fn clean_target(target: &str) -> String {
    if target.is_empty() {
        return String::new();
    }
    crate::compose::load::paths::clean(target)
}

pub(crate) fn refused(at: &Node, error: &str) -> Diagnostic {
    let found = at.at.error(super::CODE, error);
    found.fix("write [SOURCE:]TARGET[:ro], as in \"./data:/var/lib/data:ro\"")
}
