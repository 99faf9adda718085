//! Fitting text into columns, by what it takes on a terminal rather than by its bytes.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes; it holds no escape sequences.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` cut to `columns`, with an ellipsis when something was cut.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = c.width().unwrap_or(0);
        if used + next + 1 > columns {
            break;
        }
        used += next;
        out.push(c);
    }
    out.push('…');
    out
}

/// `text` and spaces up to `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Lines of at most `columns`, broken between words; a longer word stays whole.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text
        .split([' ', '\n', '\t'])
        .filter(|word| !word.is_empty())
    {
        let line = lines.last_mut().expect("never empty");
        if !line.is_empty() && width(line) + 1 + width(word) > columns {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

/// `text` after `lead`, wrapped within `columns` and continued below its own beginning. `lead`
/// takes `lead_width` columns and may hold escape sequences.
pub fn hang(lead: &str, lead_width: usize, text: &str, columns: usize) -> String {
    let room = columns.saturating_sub(lead_width).max(20);
    let between = format!("\n{}", " ".repeat(lead_width));
    format!("{lead}{}", wrap(text, room).join(&between))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_is_counted_in_columns() {
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
    }

    #[test]
    fn wrapped_text_hangs_below_its_own_beginning() {
        let text = hang(
            "  fix: ",
            7,
            "set the variable in landfall.toml and deploy",
            30,
        );
        assert_eq!(
            text,
            "  fix: set the variable in\n       landfall.toml and\n       deploy"
        );
    }
}
