//! Tables, aligned by display width, cut to the terminal only in the last column.

use super::paint::{Paint, Tone};
use super::text;

/// Columns between columns.
const GAP: usize = 2;
/// Least room for the last column.
const LAST_MIN: usize = 12;

/// Text with a tone.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text in a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// Rows under headings.
#[derive(Debug)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self {
            headings: headings.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    /// One more row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text within `columns`. Columns that are empty everywhere are left out.
    pub fn render(&self, paint: Paint, columns: usize) -> String {
        let shown: Vec<usize> = (0..self.headings.len())
            .filter(|&column| self.cells(column).any(|cell| !cell.text.is_empty()))
            .collect();
        let widths: Vec<usize> = shown.iter().map(|&column| self.width(column)).collect();
        let before: usize = widths.iter().rev().skip(1).map(|width| width + GAP).sum();
        let last = columns.saturating_sub(before).max(LAST_MIN);
        let heading: Vec<Cell> = self
            .headings
            .iter()
            .map(|heading| Cell::new(heading, Tone::Faint))
            .collect();
        let mut out = String::new();
        for row in std::iter::once(&heading).chain(&self.rows) {
            out.push_str(render_row(row, &shown, &widths, last, paint).trim_end());
            out.push('\n');
        }
        out
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &Cell> {
        self.rows.iter().filter_map(move |row| row.get(column))
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.cells(column).map(|cell| text::width(&cell.text));
        cells
            .max()
            .unwrap_or(0)
            .max(text::width(&self.headings[column]))
    }
}

fn render_row(
    row: &[Cell],
    shown: &[usize],
    widths: &[usize],
    last: usize,
    paint: Paint,
) -> String {
    let mut line = String::new();
    for (position, &column) in shown.iter().enumerate() {
        let Some(cell) = row.get(column) else {
            continue;
        };
        let is_last = position + 1 == shown.len();
        let shown_text = if is_last {
            text::fit(&cell.text, last)
        } else {
            cell.text.clone()
        };
        line.push_str(&paint.tone(cell.tone, &shown_text));
        if !is_last {
            let missing = widths[position].saturating_sub(text::width(&shown_text));
            line.push_str(&" ".repeat(missing + GAP));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_whatever_the_script() {
        let mut table = Table::new(["NAME", "EMPTY", "SUBJECT"]);
        table.row(["web".into(), "".into(), "first".into()]);
        table.row([
            "日本語".into(),
            "".into(),
            "a subject that is too long".into(),
        ]);
        let text = table.render(Paint::new(false), 22);
        assert_eq!(
            text,
            "NAME    SUBJECT\nweb     first\n日本語  a subject tha…\n"
        );
    }
}
