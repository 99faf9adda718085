//! Escapes in double quotes.

/// The text of double quotes with its escapes replaced: those of C for control characters,
/// octal numbers after `\0`, `\"` and `\\`. `\$` becomes `$$`, which stays a `$`.
pub(super) fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('$') => out.push_str("$$"),
            Some('0') => {
                let mut digits = String::new();
                while digits.len() < 3
                    && let Some(digit) = chars.next_if(char::is_ascii_digit)
                {
                    digits.push(digit);
                }
                match u8::from_str_radix(&digits, 8) {
                    Ok(code) if digits.len() == 3 => out.push(char::from(code)),
                    // Compose loses the zero of what is no octal number.
                    _ => {
                        out.push('\\');
                        out.push_str(&digits);
                    }
                }
            }
            Some(letter) => match control(letter) {
                Some(c) => out.push(c),
                None => out.extend(['\\', letter]),
            },
            None => out.push('\\'),
        }
    }
    out
}

fn control(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '"' => '"',
        _ => return None,
    })
}
