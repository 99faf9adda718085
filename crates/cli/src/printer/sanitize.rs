//! Text of others before it meets a terminal: an app's log must not move the cursor, set the
//! title or answer queries in the name of the person who reads it.

/// `text` without escape sequences and control characters; tabs become spaces.
pub fn plain(text: &str) -> String {
    clean(text, false)
}

/// As [`plain`], but colours stay, and end with the text.
pub fn keep_colours(text: &str) -> String {
    clean(text, true)
}

fn clean(text: &str, colours: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut coloured = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                let sequence = escape(&mut rest);
                if colours && sequence.ends_with('m') {
                    out.push_str("\x1b[");
                    out.push_str(&sequence);
                    coloured = true;
                }
            }
            '\t' => out.push_str("    "),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    if coloured {
        out.push_str("\x1b[0m");
    }
    out
}

/// Consumes an escape sequence; what follows `ESC [` of a control sequence, else nothing.
fn escape(rest: &mut std::str::Chars<'_>) -> String {
    let mut sequence = String::new();
    match rest.next() {
        Some('[') => {
            for c in rest.by_ref() {
                sequence.push(c);
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
            let is_style = sequence
                .chars()
                .all(|c| c.is_ascii_digit() || ";:m".contains(c));
            if !is_style {
                sequence.clear();
            }
        }
        // Operating-system commands and their kin end with BEL or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let mut before = ' ';
            for c in rest.by_ref() {
                if c == '\x07' || (before == '\x1b' && c == '\\') {
                    break;
                }
                before = c;
            }
        }
        _ => {}
    }
    sequence
}

/// As [`plain`], line by line.
pub fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_an_app_do_not_reach_the_terminal() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\x1b[31mred\x1b[0m", "ared"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1b]8;;http://x\x1b\\link", "link"),
            ("\x1b[2J\x1b[Hgone", "gone"),
            ("one\rtwo\x08", "onetwo"),
            ("a\tb", "a    b"),
            ("cut \x1b[3", "cut "),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn colours_can_stay_and_never_leak_into_the_next_line() {
        assert_eq!(keep_colours("\x1b[1;31mred"), "\x1b[1;31mred\x1b[0m");
        assert_eq!(keep_colours("\x1b[2Jgone"), "gone");
    }
}
