//! Object literals of JavaScript, read as data. Nothing is computed: what is no literal is kept
//! as the text that it is.

use std::collections::BTreeMap;

/// A value of a literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Js {
    Text(String),
    Number(f64),
    Boolean(bool),
    /// `null` and `undefined`.
    Nothing,
    List(Vec<Js>),
    Object(Vec<(String, Js)>),
    /// An expression, as it stands.
    Computed(String),
}

impl Js {
    /// A value of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Js> {
        let Self::Object(entries) = self else {
            return None;
        };
        let mut entries = entries.iter().rev();
        entries
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// A string, number or boolean as text.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Boolean(boolean) => Some(boolean.to_string()),
            _ => None,
        }
    }
}

/// Deeper literals are no configuration of a person's.
const MAX_DEPTH: usize = 32;

/// What a module exports: after `module.exports =` or `export default`, or the whole of a JSON
/// file. Names stand for the literals that are given to them at the top of the file.
pub(super) fn exported(text: &str) -> Option<Js> {
    let mut names = BTreeMap::new();
    let regex = regex::Regex::new(r"(?m)^(?:export\s+)?(?:const|let|var)\s+(\w+)\s*=").ok()?;
    for found in regex.captures_iter(text) {
        let mut reader = Reader::new(text, found.get(0)?.end(), &names);
        let value = reader.value(0);
        names.insert(found[1].to_owned(), value);
    }
    let regex = regex::Regex::new(r"(?m)^\s*(?:module\.exports\s*=|export\s+default\b)").ok()?;
    let start = match regex.find(text) {
        Some(found) => found.end(),
        None if text.trim_start().starts_with('{') => 0,
        None => return None,
    };
    Some(Reader::new(text, start, &names).value(0))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    names: &'a BTreeMap<String, Js>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize, names: &'a BTreeMap<String, Js>) -> Self {
        Self { text, at, names }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes over white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else {
                return;
            };
            self.at += comment;
        }
    }

    fn eat(&mut self, expected: char) -> bool {
        self.skip();
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// A value, to the `,` or bracket after it. One that goes on after its literal is computed.
    fn value(&mut self, depth: usize) -> Js {
        self.skip();
        let start = self.at;
        let value = match self.peek() {
            Some('{') if depth < MAX_DEPTH => self.object(depth),
            Some('[') if depth < MAX_DEPTH => self.list(depth),
            Some('"' | '\'' | '`') => self.string(),
            _ => self.word(),
        };
        let after = self.at;
        self.skip();
        match (value, self.peek()) {
            (Some(value), None | Some(',' | ']' | '}' | ';')) => value,
            // Without a semicolon a statement ends with its line.
            (Some(value), Some(_)) if depth == 0 && self.text[after..self.at].contains('\n') => {
                value
            }
            _ => {
                self.skip_expression();
                Js::Computed(self.text[start..self.at].trim().to_owned())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Js> {
        self.eat('{');
        let mut entries = Vec::new();
        while !self.eat('}') {
            let key = self.key()?;
            let value = if self.eat(':') {
                self.value(depth + 1)
            } else if matches!(self.peek(), Some(',' | '}')) {
                self.named(&key)
            } else {
                // A method, or something stranger.
                self.skip_expression();
                Js::Computed(key.clone())
            };
            entries.push((key, value));
            if !self.eat(',') && self.peek() != Some('}') {
                return None;
            }
        }
        Some(Js::Object(entries))
    }

    fn list(&mut self, depth: usize) -> Option<Js> {
        self.eat('[');
        let mut items = Vec::new();
        while !self.eat(']') {
            self.peek()?;
            items.push(self.value(depth + 1));
            if !self.eat(',') && self.peek() != Some(']') {
                return None;
            }
        }
        Some(Js::List(items))
    }

    fn key(&mut self) -> Option<String> {
        self.skip();
        if let Some('"' | '\'') = self.peek() {
            return match self.string()? {
                Js::Text(text) => Some(text),
                _ => None,
            };
        }
        if self.rest().starts_with("...") || self.peek() == Some('[') {
            let start = self.at;
            let bracket = self.peek() == Some('[');
            if bracket {
                self.list(0)?;
            } else {
                self.skip_expression();
            }
            return Some(self.text[start..self.at].to_owned());
        }
        let word = self.identifier();
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn identifier(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && !"_$.-+".contains(c))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn word(&mut self) -> Option<Js> {
        let word = self.identifier();
        match word {
            "" => None,
            "true" => Some(Js::Boolean(true)),
            "false" => Some(Js::Boolean(false)),
            "null" | "undefined" => Some(Js::Nothing),
            _ => match word.replace('_', "").parse::<f64>() {
                Ok(number) if number.is_finite() => Some(Js::Number(number)),
                _ => Some(self.named(word)),
            },
        }
    }

    fn named(&self, name: &str) -> Js {
        let known = self.names.get(name).cloned();
        known.unwrap_or_else(|| Js::Computed(name.to_owned()))
    }

    fn string(&mut self) -> Option<Js> {
        let quote = self.peek()?;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    '\n' => {}
                    other => text.push(other),
                },
                '$' if quote == '`' && self.rest()[at + 1..].starts_with('{') => return None,
                c if c == quote => {
                    self.at += at + c.len_utf8();
                    return Some(Js::Text(text));
                }
                c => text.push(c),
            }
        }
        None
    }

    /// Goes to the `,` or bracket that ends an expression, over strings and brackets in it.
    fn skip_expression(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' | ',' | ';' if depth == 0 => return,
                ')' | ']' | '}' => depth -= 1,
                '"' | '\'' | '`' if self.string().is_some() => continue,
                '/' if self.rest().starts_with("//") || self.rest().starts_with("/*") => {
                    self.skip();
                    continue;
                }
                _ => {}
            }
            self.at += c.len_utf8();
        }
    }
}
