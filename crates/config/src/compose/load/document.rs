//! One document, laid over those before it.

use super::{Loader, Scope, extends, stop_at};
use crate::compose::interpolate::Interpolator;
use crate::compose::tree::{Map, Node, Path, Value};
use crate::compose::yaml::{self, Document};
use crate::compose::{merge, short, spec};
use crate::diagnostics::Diagnostics;

/// The code of what is wrong with a document as a whole.
pub(super) const CODE: &str = "compose-document";

/// What a document costs at least, in values: reading a small one takes as long as that many.
const LEAST_COST: usize = 1_000;

/// What a file is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// All that it says.
    Whole,
    /// The services in it that others extend. What they become is checked there.
    Base,
}

impl Loader {
    /// Lays all documents of a file over what is there; where the last one resets something.
    pub(super) fn file(
        &mut self,
        file: &str,
        scope: &Scope,
        usage: Use,
        root: &mut Node,
    ) -> Result<Vec<Vec<String>>, Diagnostics> {
        let source = self.files.read(file)?;
        let mut resets = Vec::new();
        for document in yaml::parse(&source)? {
            self.spend(&document)?;
            resets.clone_from(&document.resets);
            self.document(document, file, scope, usage, root)?;
        }
        Ok(resets)
    }

    fn spend(&mut self, document: &Document) -> Result<(), Diagnostics> {
        let cost = document.nodes + LEAST_COST;
        match self.values_left.checked_sub(cost) {
            Some(left) => self.values_left = left,
            None => {
                let at = &document.root.at;
                let found = at.error(CODE, "the project's files bring in each other too often");
                return Err(found.fix("include and extend fewer files").into());
            }
        }
        Ok(())
    }

    fn document(
        &mut self,
        document: Document,
        file: &str,
        scope: &Scope,
        usage: Use,
        root: &mut Node,
    ) -> Result<(), Diagnostics> {
        let Document {
            root: mut node,
            resets,
            ..
        } = document;
        if node.map().is_none() {
            let found = node.at.error(CODE, "a Compose file is a mapping");
            return Err(found.fix("begin with `services:`").into());
        }
        self.interpolate(&mut node, scope)?;
        if usage == Use::Whole {
            extends::apply(self, &mut node, file, scope, &resets)?;
        }
        forget(root, &mut Vec::new(), &resets);
        if usage == Use::Whole {
            self.include(&mut node, file, scope)?;
        }
        let nothing = root.here(Value::Null);
        let base = std::mem::replace(root, nothing);
        *root = merge::merge(base, node, &Path::ROOT)?;
        merge::enforce_unique(root, &Path::ROOT)?;
        if usage == Use::Whole {
            stop_at(spec::check(root, &spec::TOP))?;
            self.without_version(root);
        }
        short::canonical(root, &Path::ROOT)?;
        merge::enforce_unique(root, &Path::ROOT)?;
        Ok(())
    }

    fn interpolate(&mut self, node: &mut Node, scope: &Scope) -> Result<(), Diagnostics> {
        let mut interpolator = Interpolator {
            variables: &scope.variables,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        interpolator.walk(node, &Path::ROOT);
        let Interpolator {
            errors, warnings, ..
        } = interpolator;
        self.warnings.extend(warnings);
        stop_at(errors)
    }

    fn without_version(&mut self, root: &mut Node) {
        if let Some(version) = root.map_mut().and_then(|map| map.shift_remove("version")) {
            let at = version.named_at();
            let warning = at.warning(CODE, "`version` has no effect any more");
            self.warnings.push(warning.fix("take it away"));
        }
    }
}

/// Takes away what a later document resets.
pub(super) fn forget(node: &mut Node, path: &mut Vec<String>, resets: &[Vec<String>]) {
    if resets.is_empty() {
        return;
    }
    let hit = |path: &[String]| {
        resets.iter().any(|reset| {
            let pairs = reset.iter().zip(path);
            reset.len() == path.len() && pairs.into_iter().all(|(r, p)| r == "*" || r == p)
        })
    };
    match &mut node.value {
        Value::Map(map) => {
            let fields = std::mem::take(map);
            let mut kept = Map::with_capacity(fields.len());
            for (key, mut field) in fields {
                path.push(key.clone());
                if !hit(path) {
                    forget(&mut field, path, resets);
                    kept.insert(key, field);
                }
                path.pop();
            }
            *map = kept;
        }
        Value::List(list) => {
            path.push(Path::ITEM.to_owned());
            for item in list {
                forget(item, path, resets);
            }
            path.pop();
        }
        _ => {}
    }
}
