//! A step of a deployment that is done here, before the agent begins: told like the agent's own.

use std::time::{Duration, Instant};

use super::narrate::step_line;
use crate::printer::{LiveStep, Printer, Tone, plain};

/// A step under way.
pub struct LocalStep<'a> {
    printer: &'a Printer,
    live: Option<LiveStep>,
    name: &'static str,
    since: Instant,
}

impl<'a> LocalStep<'a> {
    /// Begins a step.
    pub fn begin(printer: &'a Printer, name: &'static str) -> Self {
        let mut live = printer.is_live().then(|| printer.live_step());
        if let Some(live) = &mut live {
            live.begin(name, Duration::ZERO);
        }
        Self {
            printer,
            live,
            name,
            since: Instant::now(),
        }
    }

    /// A line that a command in it wrote.
    pub fn output(&mut self, source: &str, line: &str) {
        match &mut self.live {
            Some(live) => live.output(&format!("{source} | {line}")),
            None => self
                .printer
                .say(format!("      {source} | {}", plain(line))),
        }
    }

    /// What it is about at the moment; only where it can be taken away again.
    pub fn message(&mut self, message: &str) {
        if let Some(live) = &mut self.live {
            live.message(message);
        }
    }

    /// A remark that stays.
    pub fn remark(&mut self, remark: &str) {
        match &mut self.live {
            Some(live) => live.above(|| self.printer.note(remark)),
            None => self.printer.note(remark),
        }
    }

    /// It is done.
    pub fn done(self, summary: &str) {
        self.end(Tone::Good, "✓", summary);
    }

    /// It failed.
    pub fn failed(self, why: &str) {
        self.end(Tone::Bad, "✗", why);
    }

    fn end(mut self, tone: Tone, mark: &str, summary: &str) {
        if let Some(live) = &mut self.live {
            live.end();
        }
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (paint, width) = (self.printer.paint(), self.printer.width());
        self.printer
            .say(step_line(paint, tone, mark, self.name, ms, summary, width));
    }
}
