//! Commands that are written as one text.

/// The words of a command. What a shell would do with `&&`, `|` and the like is not done: the
/// command ends before the first of them, as it does in Compose.
pub(crate) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Words::default();
    for c in text.chars() {
        if words.take(c)? {
            break;
        }
    }
    words.finish()
}

#[derive(Default)]
struct Words {
    done: Vec<String>,
    word: String,
    in_word: bool,
    escaped: bool,
    /// The quote that is open: `'`, `"`, `` ` ``, or `(` for `$(`.
    quote: Option<char>,
}

impl Words {
    /// Takes a character; whether the command ends here. `None` for what cannot be read.
    fn take(&mut self, c: char) -> Option<bool> {
        if self.escaped {
            self.escaped = false;
            self.push(match c {
                't' => '\t',
                'n' => '\n',
                c => c,
            });
            return Some(false);
        }
        match (c, self.quote) {
            ('\\', Some('\'')) => self.push('\\'),
            ('\\', _) => self.escaped = true,
            (' ' | '\t' | '\r' | '\n', None) => self.end_word(),
            ('\'' | '"', Some(open)) if open == c => {
                self.quote = None;
                self.in_word = true;
            }
            // In backquotes, quotes still count but leave the backquotes open.
            ('\'' | '"', None) => self.quote = Some(c),
            ('`', Some('`')) => {
                self.quote = None;
                self.push(c);
            }
            ('`', None) => {
                self.quote = Some('`');
                self.push(c);
            }
            ('(', None) if self.word.ends_with('$') => {
                self.quote = Some('(');
                self.push(c);
            }
            (')', Some('(')) => {
                self.quote = None;
                self.push(c);
            }
            ('(' | ')', None) | ('(', Some('(')) => return None,
            (';' | '&' | '|' | '<' | '>', None) => {
                // `2>` is part of the redirection.
                if c == '>' && self.word.starts_with(|c: char| c.is_ascii_digit()) {
                    self.in_word = false;
                }
                return Some(true);
            }
            _ => self.push(c),
        }
        Some(false)
    }

    fn push(&mut self, c: char) {
        self.word.push(c);
        self.in_word = true;
    }

    fn end_word(&mut self) {
        if self.in_word {
            self.done.push(std::mem::take(&mut self.word));
            self.in_word = false;
        }
    }

    fn finish(mut self) -> Option<Vec<String>> {
        if self.escaped || self.quote.is_some() {
            return None;
        }
        self.end_word();
        Some(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn commands_are_split_as_compose_splits_them() {
        let split = |text: &str| words(text).unwrap().join("|");
        assert_eq!(split("a 'b c' \"d\\\"e\" f\\ g ''"), "a|b c|d\"e|f g|");
        assert_eq!(split("a && b"), "a");
        assert_eq!(split("a 2>b"), "a");
        assert_eq!(split("echo $(date +%s) `x y`"), "echo|$(date +%s)|`x y`");
        assert_eq!(split("  "), "");
        for wrong in ["'a", "a\\", "a (b)", "a )"] {
            assert_eq!(words(wrong), None, "{wrong}");
        }
    }
}
