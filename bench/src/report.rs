//! What a benchmark says at the end: tables for people, one object for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::machine;

/// The result of a benchmark.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    notes: Vec<String>,
    tables: Vec<Table>,
    data: Vec<(String, Value)>,
}

/// A table; the first column is text, the others are numbers with their units.
#[derive(Debug)]
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these column heads.
    pub fn new(title: impl Into<String>, heads: &[&str]) -> Self {
        Self {
            title: title.into(),
            rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = format!("\n{}\n", self.title);
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let gap = widths[column] - cell.chars().count();
                match column {
                    0 => line.push_str(&format!("  {cell}{}", " ".repeat(gap))),
                    _ => line.push_str(&format!("  {}{cell}", " ".repeat(gap))),
                }
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out
    }
}

impl Report {
    /// Of a benchmark.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            notes: Vec::new(),
            tables: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Something that a reader of the numbers has to know.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Adds what programs read, under a key.
    pub fn data(&mut self, key: impl Into<String>, value: Value) {
        self.data.push((key.into(), value));
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = format!("bench {}: {}\n", self.name, machine::describe());
        for table in &self.tables {
            out.push_str(&table.text());
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(out, "  - {note}");
        }
        out
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let mut all =
            json!({ "bench": self.name, "machine": machine::describe(), "notes": self.notes });
        for (key, value) in &self.data {
            all[key] = value.clone();
        }
        all
    }
}

/// A number with so many digits after the point, or a dash.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// `a / b` as `1.23×`, or a dash.
pub fn ratio(a: Option<f64>, b: Option<f64>) -> String {
    match quotient(a, b) {
        Some(ratio) => format!("{ratio:.2}×"),
        None => "–".to_owned(),
    }
}

/// `a / b`, where both are known and `b` is not zero.
pub fn quotient(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? / b.filter(|b| *b != 0.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_the_unknown_is_a_dash() {
        assert_eq!(ratio(Some(3.0), Some(2.0)), "1.50×");
        assert_eq!(ratio(Some(3.0), None), "–");
        assert_eq!(ratio(Some(3.0), Some(0.0)), "–");
    }
}
