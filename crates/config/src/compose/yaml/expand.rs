//! Raw trees as values: aliases stand for what they name, `<<` brings its fields in, `!reset` and
//! `!override` are taken down.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use saphyr_parser::Tag;

use super::events::{Kind, Raw};
use super::{CODE, MAX_DEPTH, MAX_NODES, scalar};
use crate::compose::tree::{Map, Node, Place, Value};
use crate::diagnostics::{Diagnostic, Source};

/// The key whose value brings in the fields of other mappings.
const MERGE: &str = "<<";

pub(super) struct Expander<'a> {
    source: &'a Arc<Source>,
    anchors: &'a HashMap<usize, Rc<Raw>>,
    /// Where `!reset` and `!override` stand.
    pub(super) resets: Vec<Vec<String>>,
    /// Anchors whose content is being expanded: one that comes again would never end.
    open: Vec<usize>,
    path: Vec<String>,
    /// Whether the next node is what an alias names, rather than something in it.
    at_target: bool,
    /// Whether we are in what `!override` stands before: it is taken as it is, tags and all.
    overriding: bool,
    /// How many there are so far.
    pub(super) nodes: usize,
    depth: usize,
}

type Expanded = Result<Option<Node>, Diagnostic>;

impl<'a> Expander<'a> {
    pub(super) fn new(source: &'a Arc<Source>, anchors: &'a HashMap<usize, Rc<Raw>>) -> Self {
        Self {
            source,
            anchors,
            resets: Vec::new(),
            open: Vec::new(),
            path: Vec::new(),
            at_target: false,
            overriding: false,
            nodes: 0,
            depth: 0,
        }
    }

    /// A document; `None` where it is reset as a whole.
    pub(super) fn document(&mut self, raw: &Raw) -> Expanded {
        self.node(raw)
    }

    fn node(&mut self, raw: &Raw) -> Expanded {
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.depth > MAX_DEPTH {
            let message = "the file's aliases make too much of it";
            let fix = "write less with anchors: an alias to what holds aliases multiplies it";
            return Err(self.wrong(raw, message).fix(fix));
        }
        self.depth += 1;
        let node = self.deeper(raw);
        self.depth -= 1;
        node
    }

    fn deeper(&mut self, raw: &Raw) -> Expanded {
        let is_target = std::mem::take(&mut self.at_target);
        if let Kind::Alias(anchor) = raw.kind {
            return self.alias(raw, anchor);
        }
        let tag = raw.tag.as_ref().filter(|tag| tag.handle == "!");
        let tag = tag.map_or("", |tag| tag.suffix.as_str());
        let counts = !self.overriding && (tag == "reset" || tag == "override");
        // Below an anchor it resets where the anchor stands, and not where aliases bring it.
        let is_brought = tag == "reset" && !self.open.is_empty() && !is_target;
        if counts && !is_brought {
            self.resets.push(self.place_of_reset());
        }
        if counts && tag == "reset" {
            return Ok(None);
        }
        let outer = self.overriding;
        self.overriding |= counts;
        let value = self.value(raw);
        self.overriding = outer;
        Ok(Some(Node::new(value?, self.place(raw))))
    }

    fn value(&mut self, raw: &Raw) -> Result<Value, Diagnostic> {
        match &raw.kind {
            Kind::Scalar { text, plain } => self.scalar(raw, text, *plain),
            Kind::List(items) => self.list(items),
            Kind::Map(pairs) => self.map(pairs).map(Value::Map),
            Kind::Alias(_) => Ok(Value::Null),
        }
    }

    fn alias(&mut self, raw: &Raw, anchor: usize) -> Expanded {
        let target = self.anchors.get(&anchor).map(Rc::clone);
        let (Some(target), false) = (target, self.open.contains(&anchor)) else {
            let fix = "an anchor cannot hold an alias to itself; write the value out";
            return Err(self
                .wrong(raw, "this alias stands in its own anchor")
                .fix(fix));
        };
        self.open.push(anchor);
        self.at_target = true;
        let node = self.node(&target);
        self.open.pop();
        node
    }

    fn scalar(&self, raw: &Raw, text: &str, plain: bool) -> Result<Value, Diagnostic> {
        match &raw.tag {
            None if plain => Ok(scalar::plain(text)),
            None => Ok(Value::Text(text.to_owned())),
            Some(tag) if tag.is_yaml_core_schema() => {
                scalar::tagged(&tag.suffix, text).ok_or_else(|| {
                    let message = format!("this is no value of the type `!!{}`", tag.suffix);
                    self.wrong(raw, message).fix("take the tag away")
                })
            }
            Some(_) => Ok(Value::Text(text.to_owned())),
        }
    }

    fn list(&mut self, items: &[Rc<Raw>]) -> Result<Value, Diagnostic> {
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.path.push(index.to_string());
            let node = self.node(item);
            self.path.pop();
            list.extend(node?);
        }
        Ok(Value::List(list))
    }

    fn map(&mut self, pairs: &[(Rc<Raw>, Rc<Raw>)]) -> Result<Map, Diagnostic> {
        let mut map = Map::with_capacity(pairs.len());
        let mut merged = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        for (key, value) in pairs {
            let is_merge = matches!(&key.kind, Kind::Scalar { text, plain: true }
                if text == MERGE && key.tag.as_ref().is_none_or(Tag::is_yaml_core_schema));
            let (name, at) = self.key(key)?;
            if let Some(first) = seen.insert(name.clone(), at.clone()) {
                let message = format!("`{name}` is there twice");
                let found = self.wrong(key, message);
                let found = found.near(self.source, first.span, "the first one");
                return Err(found.fix("take one of them away"));
            }
            self.path.push(name.clone());
            let node = self.node(value);
            self.path.pop();
            match node? {
                Some(node) if is_merge => merged.push(node),
                Some(mut node) => {
                    node.key = Some(at);
                    map.insert(name, node);
                }
                None => {}
            }
        }
        for node in merged {
            self.merge(&mut map, node)?;
        }
        Ok(map)
    }

    /// Brings in what the mapping does not have by itself.
    fn merge(&self, map: &mut Map, from: Node) -> Result<(), Diagnostic> {
        match from.value {
            Value::Map(fields) => {
                for (key, node) in fields {
                    map.entry(key).or_insert(node);
                }
                Ok(())
            }
            Value::List(list) if list.iter().all(|node| node.map().is_some()) => {
                list.into_iter().try_for_each(|node| self.merge(map, node))
            }
            _ => {
                let message = "`<<` takes a mapping, or a list of mappings";
                Err(from
                    .named_at()
                    .error(CODE, message)
                    .fix("write `<<: *name`"))
            }
        }
    }

    fn key(&self, raw: &Raw) -> Result<(String, Place), Diagnostic> {
        let target = match raw.kind {
            Kind::Alias(anchor) => self.anchors.get(&anchor).map_or(raw, |target| target),
            _ => raw,
        };
        if let Kind::Scalar { text, plain } = &target.kind
            && let Value::Text(name) = self.scalar(target, text, *plain)?
        {
            return Ok((name, self.place(raw)));
        }
        let found = self.wrong(raw, "this key is no text");
        Err(found.fix("put it in quotes"))
    }

    /// Where we are, as later documents see it: what `<<` brings in stands beside it.
    fn place_of_reset(&self) -> Vec<String> {
        let mut path = self.path.clone();
        if let Some(merge) = path.iter().position(|name| name == MERGE) {
            path.remove(merge);
        }
        path
    }

    fn place(&self, raw: &Raw) -> Place {
        Place {
            file: Arc::clone(self.source),
            span: raw.span.clone(),
        }
    }

    fn wrong(&self, raw: &Raw, message: impl Into<String>) -> Diagnostic {
        self.place(raw).error(CODE, message)
    }
}
