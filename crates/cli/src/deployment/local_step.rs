//! A step of a deployment that is done here, before the agent begins: told like the agent's own.

use std::time::{Duration, Instant};

use landfall_agent::api::types::StepState;

use super::narrate::step_line;
use crate::ci::Ci;
use crate::context::Context;
use crate::printer::{Group, LiveStep, Printer, Tone, plain};

/// A step under way.
pub struct LocalStep<'a> {
    printer: &'a Printer,
    ci: Option<&'a Ci>,
    live: Option<LiveStep>,
    group: Group<'a>,
    name: &'static str,
    since: Instant,
}

impl<'a> LocalStep<'a> {
    /// Begins a step.
    pub fn begin(context: &'a Context, name: &'static str) -> Self {
        let printer = &context.printer;
        let mut group = printer.group();
        group.begin(name);
        let mut live = printer.is_live().then(|| printer.live_step());
        if let Some(live) = &mut live {
            live.begin(name, Duration::ZERO);
        }
        Self {
            printer,
            ci: context.ci.as_ref(),
            live,
            group,
            name,
            since: Instant::now(),
        }
    }

    /// A line that a command in it wrote.
    pub fn output(&mut self, source: &str, line: &str) {
        match &mut self.live {
            Some(live) => live.output(&format!("{source} | {line}")),
            None => self.group.line(format!("      {source} | {}", plain(line))),
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
        self.end(StepState::Done, Tone::Good, "✓", summary);
    }

    /// It failed.
    pub fn failed(self, why: &str) {
        self.end(StepState::Failed, Tone::Bad, "✗", why);
    }

    fn end(mut self, state: StepState, tone: Tone, mark: &str, summary: &str) {
        if let Some(live) = &mut self.live {
            live.end();
        }
        self.group.end();
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(ci) = self.ci {
            ci.did(self.name, state, ms, summary);
        }
        let (paint, width) = (self.printer.paint(), self.printer.width());
        self.printer
            .say(step_line(paint, tone, mark, self.name, ms, summary, width));
    }
}
