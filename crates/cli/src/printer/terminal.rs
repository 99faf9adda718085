//! What the terminal is and can do.

/// Columns where nobody says how many there are.
const DEFAULT_WIDTH: usize = 100;
/// Below this, aligned output falls apart: text is left to the terminal to wrap.
const MIN_WIDTH: usize = 40;
/// Prose wider than this is tiring to read.
const MAX_WIDTH: usize = 140;

/// Columns of the terminal, or of `COLUMNS`, within bounds.
pub(super) fn width() -> usize {
    let asked = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let width = asked.or_else(measured).unwrap_or(DEFAULT_WIDTH);
    width.clamp(MIN_WIDTH, MAX_WIDTH)
}

fn measured() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout())
        .or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr()))
        .ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Whether the terminal understands escape sequences.
pub(super) fn is_capable() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
