//! Releases as a table.

use jiff::Timestamp;
use landfall_agent::api::types::ReleaseView;

use super::source::revision;
use crate::printer::{Cell, Paint, Table, Tone, human};

/// Releases, newest first as they come.
pub fn releases(releases: &[ReleaseView], now: Timestamp, paint: Paint, width: usize) -> String {
    let mut table = Table::new(["RELEASE", "", "AGE", "COMMIT", "BY", "ROLLBACK", "SUBJECT"]);
    for release in releases {
        let (mark, tone) = match release.live {
            true => ("● live", Tone::Good),
            false => ("", Tone::Plain),
        };
        let rollback = match &release.kept {
            _ if release.live => Cell::default(),
            Ok(()) => Cell::new("possible", Tone::Plain),
            Err(reason) => Cell::new(reason, Tone::Faint),
        };
        table.row([
            Cell::new(release.number.to_string(), Tone::Strong),
            Cell::new(mark, tone),
            human::ago(release.created_at, now).into(),
            revision(&release.source).into(),
            release.by.as_str().into(),
            rollback,
            release.source.subject.clone().unwrap_or_default().into(),
        ]);
    }
    table.render(paint, width)
}
