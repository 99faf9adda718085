//! Where in a document something stands, by the names on the way to it.

use std::fmt;

/// A chain of names; grows without copying.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    /// The document itself.
    pub(crate) const ROOT: Path<'static> = Path {
        parent: None,
        name: "",
    };

    /// The name of every item of a list.
    pub(crate) const ITEM: &'static str = "[]";

    pub(crate) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            name,
        }
    }

    pub(crate) fn item(&'a self) -> Path<'a> {
        self.field(Self::ITEM)
    }

    /// Whether it matches a pattern like `services.*.ports`, where `*` is any one name.
    pub(crate) fn is(&self, pattern: &str) -> bool {
        let mut at = Some(self);
        for wanted in pattern.rsplit('.') {
            match at {
                Some(path) if path.parent.is_some() && (wanted == "*" || wanted == path.name) => {
                    at = path.parent;
                }
                _ => return false,
            }
        }
        at.is_some_and(|path| path.parent.is_none())
    }

    /// The names, the outermost first.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut at = Some(self);
        while let Some(path) = at {
            if path.parent.is_some() {
                names.push(path.name);
            }
            at = path.parent;
        }
        names.reverse();
        names
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().into_iter().enumerate() {
            match (name, index) {
                (Self::ITEM, _) => f.write_str("[]")?,
                (name, 0) => f.write_str(name)?,
                (name, _) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_pattern_matches_name_by_name() {
        let services = Path::ROOT.field("services");
        let web = services.field("web");
        let ports = web.field("ports");
        let port = ports.item();
        assert!(ports.is("services.*.ports"));
        assert!(port.is("services.*.ports.*"));
        assert!(port.is("services.*.ports.[]"));
        assert!(!ports.is("services.*"));
        assert!(!web.is("services.*.ports"));
        assert!(!ports.is("ports"));
        assert_eq!(port.to_string(), "services.web.ports[]");
    }
}
