//! The instructions of a Dockerfile: continued lines joined, comments and here-documents left out.

/// An instruction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// In upper case.
    pub keyword: String,
    /// What follows it.
    pub rest: String,
}

impl Instruction {
    /// What is between spaces.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.rest.split_whitespace()
    }

    /// The words with which the here-documents after it end, and whether tabs before them count.
    fn here_documents(&self) -> Vec<(String, bool)> {
        if !matches!(self.keyword.as_str(), "RUN" | "COPY" | "ADD") {
            return Vec::new();
        }
        let starts = self.words().filter_map(|word| {
            // After the number of a descriptor, as in `3<<EOF`.
            let word = word.trim_start_matches(|char: char| char.is_ascii_digit());
            let word = word.strip_prefix("<<")?;
            let (tabs, word) = match word.strip_prefix('-') {
                Some(word) => (true, word),
                None => (false, word),
            };
            let word = word.trim_matches(['"', '\'']);
            let is_name = |char: char| char.is_alphanumeric() || char == '_';
            let end = word.find(|char| !is_name(char)).unwrap_or(word.len());
            (end > 0).then(|| (word[..end].to_owned(), tabs))
        });
        starts.collect()
    }
}

/// The instructions of `text`, in their order.
pub(super) fn instructions(text: &str) -> Vec<Instruction> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_of(text);
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if is_nothing(line) {
            continue;
        }
        let mut whole = line.trim().to_owned();
        while let Some(begun) = whole.trim_end().strip_suffix(escape) {
            whole.truncate(begun.len());
            match lines.by_ref().find(|line| !is_nothing(line)) {
                Some(next) => whole.push_str(next),
                None => break,
            }
        }
        let whole = whole.trim();
        let (keyword, rest) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let instruction = Instruction {
            keyword: keyword.to_ascii_uppercase(),
            rest: rest.trim().to_owned(),
        };
        for (end, tabs) in instruction.here_documents() {
            let is_end = |line: &str| {
                let line = if tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                line == end
            };
            lines.by_ref().find(|line| is_end(line));
        }
        found.push(instruction);
    }
    found
}

/// A comment or an empty line; both may stand within a continued instruction.
fn is_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// `# escape=` among the comments that the file begins with.
fn escape_of(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let escape = directives
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("escape"));
    match escape {
        Some((_, value)) if value.trim() == "`" => '`',
        _ => '\\',
    }
}
