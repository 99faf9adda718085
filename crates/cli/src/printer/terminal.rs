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

/// What is typed at the terminal is not shown while this lives.
pub(super) struct Hidden(rustix::termios::Termios);

impl Hidden {
    pub(super) fn begin() -> std::io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let shown = tcgetattr(std::io::stdin())?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(shown))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let as_before = rustix::termios::OptionalActions::Now;
        // A terminal that is gone shows nothing anyway.
        let _ = rustix::termios::tcsetattr(std::io::stdin(), as_before, &self.0);
    }
}
