//! How an instruction falls into flags and words.

/// What is between words. BuildKit takes no other spaces for that.
const SPACES: [char; 5] = [' ', '\t', '\u{b}', '\u{c}', '\r'];

/// What is between spaces.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(SPACES).filter(|word| !word.is_empty())
}

/// The flags that `text` begins with, without quotes, and what follows them. `None` where it is
/// not certain which these are.
pub(super) fn flags(text: &str) -> Option<(Vec<String>, &str)> {
    if text.contains(|char: char| char.is_whitespace() && !char.is_ascii()) {
        return None;
    }
    let mut flags = Vec::new();
    let mut rest = text.trim_start_matches(SPACES);
    while rest.starts_with("--") {
        let (flag, after) = rest.split_at(rest.find(SPACES).unwrap_or(rest.len()));
        rest = after.trim_start_matches(SPACES);
        if flag == "--" {
            break;
        }
        flags.push(without_quotes(flag)?);
    }
    Some((flags, rest))
}

/// `text` without the quotes in it, where all of them are of one kind and are closed.
fn without_quotes(text: &str) -> Option<String> {
    let count = |quote: char| text.matches(quote).count();
    let are_closed = matches!((count('"'), count('\'')), (0, n) | (n, 0) if n % 2 == 0);
    let is_escaped = text.contains(['\\', '`']);
    (are_closed && !is_escaped).then(|| text.replace(['"', '\''], ""))
}

/// The words of a shell, their quotes kept. `None` where it is not certain which these are.
pub(super) fn shell_words(text: &str, escape: char) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut begun = None;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        if quote.is_none() && SPACES.contains(&char) {
            words.extend(begun.take().map(|begin: usize| &text[begin..at]));
            continue;
        }
        begun.get_or_insert(at);
        match (quote, char) {
            (Some(open), char) if open == char => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None | Some('"'), char) if char == escape => drop(chars.next()),
            (None, '$') if text[at..].starts_with("${") => {
                // In braces other rules hold.
                let (inside, _) = text[at..].split_once('}')?;
                if inside.contains(SPACES) || inside.contains(['"', '\'', '<']) {
                    return None;
                }
            }
            _ => {}
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(begun.map(|begin| &text[begin..]));
    Some(words)
}

/// What `word` says without the quotes around it, and whether variables in it are replaced.
/// `None` where it has other quotes or escapes.
pub(super) fn unquoted(word: &str) -> Option<(&str, bool)> {
    let within = |quote: char| word.strip_prefix(quote)?.strip_suffix(quote);
    let (text, expands) = match (within('"'), within('\'')) {
        (Some(text), _) => (text, true),
        (None, Some(text)) => (text, false),
        (None, None) => (word, true),
    };
    (!text.contains(['"', '\'', '\\', '`'])).then_some((text, expands))
}
