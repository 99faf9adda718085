//! Telling a deployment while it goes on: live on a terminal, line by line elsewhere, or as the
//! events themselves.

use std::time::Duration;

use jiff::Timestamp;
use landfall_agent::api::types::EventView;
use landfall_model::event::Event;

use super::Watcher;
use crate::printer::{self, Group, LiveStep, NAME_WIDTH, Paint, Printer, Tone, human, text};

/// Columns before a step's summary: indent, mark, name and time.
const SUMMARY_AT: usize = NAME_WIDTH + 15;

/// How a deployment is told.
pub enum Narrator<'a> {
    /// Steps with a spinner, their output dimmed under them.
    Live(LiveStep, &'a Printer),
    /// Plain lines, those of a step together.
    Plain(Group<'a>, &'a Printer),
    /// Each event as a line of JSON.
    Events(&'a Printer),
}

impl<'a> Narrator<'a> {
    /// The one for people that fits the terminal.
    pub fn for_people(printer: &'a Printer) -> Self {
        match printer.is_live() {
            true => Self::Live(printer.live_step(), printer),
            false => Self::Plain(printer.group(), printer),
        }
    }
}

impl Watcher for Narrator<'_> {
    fn tell(&mut self, view: &EventView) {
        match self {
            Self::Events(printer) => printer.json_line(view),
            Self::Live(live, printer) => tell_live(live, printer, view),
            Self::Plain(group, printer) => tell_plainly(group, printer, view),
        }
    }

    fn remark(&mut self, remark: &str) {
        match self {
            Self::Live(live, printer) => live.above(|| printer.note(remark)),
            Self::Plain(_, printer) | Self::Events(printer) => printer.note(remark),
        }
    }

    fn end(&mut self) {
        match self {
            Self::Live(live, _) => live.end(),
            Self::Plain(group, _) => group.end(),
            Self::Events(_) => {}
        }
    }
}

fn tell_live(live: &mut LiveStep, printer: &Printer, view: &EventView) {
    match &view.event {
        Event::StepStarted { step } => live.begin(&step.to_string(), since(view.at)),
        Event::Progress { message, .. } => live.message(message),
        Event::Output { line, .. } => live.output(line),
        event => {
            if matches!(
                event,
                Event::StepSucceeded { .. } | Event::StepFailed { .. }
            ) {
                live.end();
            }
            if let Some(line) = line(event, printer.paint(), printer.width()) {
                live.above(|| printer.say(line));
            }
        }
    }
}

fn tell_plainly(group: &mut Group<'_>, printer: &Printer, view: &EventView) {
    match &view.event {
        Event::StepStarted { step } => group.begin(&step.to_string()),
        Event::Progress { message, .. } => {
            group.line(format!("      {}", printer::plain(message)));
        }
        Event::Output { source, line, .. } => {
            group.line(format!("      {source} | {}", printer::plain(line)));
        }
        event => {
            group.end();
            if let Some(line) = line(event, printer.paint(), printer.width()) {
                printer.say(line);
            }
        }
    }
}

/// The line of an event that stays on the screen.
fn line(event: &Event, paint: Paint, width: usize) -> Option<String> {
    Some(match event {
        Event::Queued { behind } => {
            let mark = paint.tone(Tone::Warn, "…");
            format!("  {mark} waits for deployment {behind}")
        }
        Event::StepSucceeded { step, ms, summary } => step_line(
            paint,
            Tone::Good,
            "✓",
            &step.to_string(),
            *ms,
            summary,
            width,
        ),
        Event::StepFailed { step, ms, cause } => step_line(
            paint,
            Tone::Bad,
            "✗",
            &step.to_string(),
            *ms,
            &cause.summary,
            width,
        ),
        Event::StepUndone { step } => {
            let line = format!("  ↩ {} undone", text::pad(&step.to_string(), NAME_WIDTH));
            paint.tone(Tone::Faint, &line)
        }
        Event::CancelRequested { by } => {
            let mark = paint.tone(Tone::Warn, "!");
            format!("  {mark} {by} asked to cancel")
        }
        Event::Started { .. }
        | Event::StepStarted { .. }
        | Event::Progress { .. }
        | Event::Output { .. }
        | Event::Switched { .. }
        | Event::Finished { .. } => return None,
    })
}

/// The line of a step that has ended.
pub(super) fn step_line(
    paint: Paint,
    tone: Tone,
    mark: &str,
    step: &str,
    ms: u64,
    summary: &str,
    width: usize,
) -> String {
    let time = format!("{:>9}", human::took(ms));
    let lead = format!(
        "  {} {} {}  ",
        paint.tone(tone, mark),
        text::pad(step, NAME_WIDTH),
        paint.tone(Tone::Faint, &time),
    );
    text::hang(&lead, SUMMARY_AT + 1, &printer::plain(summary), width)
}

fn since(then: Timestamp) -> Duration {
    let passed = Timestamp::now().duration_since(then);
    Duration::try_from(passed).unwrap_or_default()
}
