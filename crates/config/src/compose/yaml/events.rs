//! The parser's events as raw trees, with aliases that still stand for their anchors.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{CODE, MAX_DEPTH};
use crate::diagnostics::{Diagnostic, Source};

/// A node as it is written.
pub(super) struct Raw {
    pub(super) kind: Kind,
    pub(super) tag: Option<Tag>,
    /// Bytes of the file.
    pub(super) span: Range<usize>,
}

pub(super) enum Kind {
    Scalar { text: String, plain: bool },
    List(Vec<Rc<Raw>>),
    Map(Vec<(Rc<Raw>, Rc<Raw>)>),
    Alias(usize),
}

/// All documents of a file.
#[derive(Default)]
pub(super) struct Stream {
    pub(super) documents: Vec<Rc<Raw>>,
    pub(super) anchors: HashMap<usize, Rc<Raw>>,
}

/// A list or mapping that is not finished.
struct Open {
    children: Vec<Rc<Raw>>,
    is_map: bool,
    anchor: usize,
    tag: Option<Tag>,
    start: usize,
}

pub(super) fn read(source: &Arc<Source>) -> Result<Stream, Diagnostic> {
    let offsets = Offsets::new(source.text());
    let mut builder = Builder::default();
    for event in Parser::new_from_str(offsets.text) {
        let (event, span) = event.map_err(|error| {
            let at = offsets.byte(error.marker().index());
            let message = format!("this is not YAML: {}", error.info());
            let found = Diagnostic::error(CODE, message);
            found.at(source, at..at + 1, "").fix(FIX)
        })?;
        let span = offsets.span(span);
        if builder.open.len() > MAX_DEPTH {
            let message = format!("values are nested deeper than {MAX_DEPTH} levels");
            return Err(Diagnostic::error(CODE, message).at(source, span, ""));
        }
        builder.take(event, span);
    }
    Ok(builder.stream)
}

const FIX: &str = "YAML counts spaces: what belongs together starts in the same column, and tabs \
                   do not indent; text with `: `, ` #`, or a leading `*`, `&`, `!`, `@`, `{` or \
                   `[` goes in quotes";

#[derive(Default)]
struct Builder {
    stream: Stream,
    open: Vec<Open>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Range<usize>) {
        let owned = |tag: Option<Cow<'_, Tag>>| tag.map(Cow::into_owned);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let text = text.into_owned();
                self.add(raw(Kind::Scalar { text, plain }, owned(tag), span), anchor);
            }
            Event::Alias(anchor) => self.add(raw(Kind::Alias(anchor), None, span), 0),
            Event::SequenceStart(anchor, tag) => {
                self.open
                    .push(Open::new(false, anchor, owned(tag), span.start));
            }
            Event::MappingStart(anchor, tag) => {
                self.open
                    .push(Open::new(true, anchor, owned(tag), span.start));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let (raw, anchor) = open.close(span.end);
                    self.add(raw, anchor);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, raw: Raw, anchor: usize) {
        let raw = Rc::new(raw);
        if anchor > 0 {
            self.stream.anchors.insert(anchor, Rc::clone(&raw));
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(raw),
            None => self.stream.documents.push(raw),
        }
    }
}

fn raw(kind: Kind, tag: Option<Tag>, span: Range<usize>) -> Raw {
    Raw { kind, tag, span }
}

impl Open {
    fn new(is_map: bool, anchor: usize, tag: Option<Tag>, start: usize) -> Self {
        Self {
            children: Vec::new(),
            is_map,
            anchor,
            tag,
            start,
        }
    }

    fn close(self, end: usize) -> (Raw, usize) {
        // The end of a block is where the next line begins: what it holds ends before.
        let end = self.children.last().map_or(end, |last| last.span.end);
        let kind = match self.is_map {
            true => Kind::Map(pairs(self.children)),
            false => Kind::List(self.children),
        };
        let span = self.start..end.max(self.start);
        (raw(kind, self.tag, span), self.anchor)
    }
}

fn pairs(children: Vec<Rc<Raw>>) -> Vec<(Rc<Raw>, Rc<Raw>)> {
    let mut pairs = Vec::with_capacity(children.len() / 2);
    let mut children = children.into_iter();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// The parser counts characters; diagnostics count bytes.
struct Offsets<'a> {
    text: &'a str,
    /// Bytes before `text`: a byte order mark is not given to the parser.
    skipped: usize,
    /// The byte at which every character begins; empty where both are the same.
    bytes: Vec<usize>,
}

impl<'a> Offsets<'a> {
    fn new(text: &'a str) -> Self {
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let bytes = match bare.is_ascii() {
            true => Vec::new(),
            false => bare.char_indices().map(|(byte, _)| byte).collect(),
        };
        Self {
            text: bare,
            skipped: text.len() - bare.len(),
            bytes,
        }
    }

    fn byte(&self, index: usize) -> usize {
        let within = match self.bytes.is_empty() {
            true => index.min(self.text.len()),
            false => self.bytes.get(index).copied().unwrap_or(self.text.len()),
        };
        self.skipped + within
    }

    fn span(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }
}
