//! A step while it goes on: a spinner line, and under it the last lines of its output.

use std::collections::VecDeque;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::paint::{Paint, Tone};
use super::{sanitize, text};

/// Lines of output shown under a step.
const TAIL: usize = 5;
/// Columns of a step's name: the longest is `before-tasks`.
pub const NAME_WIDTH: usize = 12;
/// Time between frames of the spinner.
const FRAME: Duration = Duration::from_millis(100);
const FRAMES: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ";

/// The live part of the display. Everything above it is ordinary text that stays.
pub struct LiveStep {
    all: MultiProgress,
    step: Option<ProgressBar>,
    tail: VecDeque<String>,
    paint: Paint,
    width: usize,
}

impl LiveStep {
    pub(super) fn new(on_stderr: bool, paint: Paint, width: usize) -> Self {
        let target = match on_stderr {
            true => ProgressDrawTarget::stderr_with_hz(12),
            false => ProgressDrawTarget::stdout_with_hz(12),
        };
        Self {
            all: MultiProgress::with_draw_target(target),
            step: None,
            tail: VecDeque::new(),
            paint,
            width,
        }
    }

    /// Begins a step that began `elapsed` ago.
    pub fn begin(&mut self, name: &str, elapsed: Duration) {
        self.end();
        let spinner = if self.paint.is_on() {
            "{spinner:.cyan}"
        } else {
            "{spinner}"
        };
        let style = ProgressStyle::with_template(&format!(
            "  {spinner} {{prefix}} {{elapsed:>4}}  {{msg}}"
        ))
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars(FRAMES);
        let bar = ProgressBar::new_spinner()
            .with_elapsed(elapsed)
            .with_style(style);
        let bar = self.all.add(bar);
        bar.set_prefix(text::pad(name, NAME_WIDTH));
        self.step = Some(bar);
        self.draw("");
        if let Some(bar) = &self.step {
            bar.enable_steady_tick(FRAME);
        }
    }

    /// What the step is about at the moment.
    pub fn message(&mut self, message: &str) {
        self.draw(&sanitize::plain(message));
    }

    /// A line of output under the step.
    pub fn output(&mut self, line: &str) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(sanitize::plain(line));
        self.draw("");
    }

    /// Takes the step away.
    pub fn end(&mut self) {
        if let Some(bar) = self.step.take() {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        self.tail.clear();
    }

    /// Writes ordinary text, by `write`, above the live part.
    pub fn above(&self, write: impl FnOnce()) {
        self.all.suspend(write);
    }

    fn draw(&self, message: &str) {
        let Some(bar) = &self.step else { return };
        let room = self.width.saturating_sub(NAME_WIDTH + 13);
        let mut shown = self.paint.tone(Tone::Faint, &text::fit(message, room));
        for line in &self.tail {
            let line = text::fit(line, self.width.saturating_sub(7));
            shown.push_str(&format!("\n      {}", self.paint.tone(Tone::Faint, &line)));
        }
        bar.set_message(shown);
    }
}

impl Drop for LiveStep {
    fn drop(&mut self) {
        self.end();
    }
}
