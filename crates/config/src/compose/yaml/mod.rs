//! YAML files as trees with positions: anchors, aliases, `<<` merges and Compose's tags `!reset`
//! and `!override` are resolved here.
//!
//! What a file may ask for is bounded: its size, its depth, and how much its aliases make of it.

mod events;
mod expand;
mod scalar;

use std::sync::Arc;

use super::tree::{Node, Place};
use crate::diagnostics::{Diagnostic, Source};

/// The code of what is wrong with a file as YAML.
pub(crate) const CODE: &str = "compose-yaml";

/// Bytes of a file, at most. The largest Compose files that people keep are a hundredth of it.
const MAX_BYTES: usize = 4 << 20;

/// How deep values may be nested.
const MAX_DEPTH: usize = 100;

/// Nodes of a file, at most, aliases counted as what they stand for.
const MAX_NODES: usize = 200_000;

/// One document of a file.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// Where `!reset` and `!override` stand: what earlier files say there is forgotten.
    pub(crate) resets: Vec<Vec<String>>,
    /// How many values it holds, aliases counted as what they stand for.
    pub(crate) nodes: usize,
}

/// Reads all documents of a file; none if nothing is written in it.
pub(crate) fn parse(source: &Arc<Source>) -> Result<Vec<Document>, Diagnostic> {
    let start = Place {
        file: Arc::clone(source),
        span: 0..0,
    };
    if source.text().len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
        return Err(start.error(CODE, message));
    }
    let stream = events::read(source)?;
    let documents = stream.documents.iter();
    documents
        .map(|raw| {
            let mut expander = expand::Expander::new(source, &stream.anchors);
            let root = expander.document(raw)?;
            let root = root.unwrap_or_else(|| Node::new(super::tree::Value::Null, start.clone()));
            Ok(Document {
                root,
                resets: expander.resets,
                nodes: expander.nodes,
            })
        })
        .collect()
}
