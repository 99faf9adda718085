//! The end of a deployment: what is live, what it took, or why it failed and what to do.

use landfall_model::plan::{Intent, Plan, StepName};
use landfall_model::rollout::Outcome;
use landfall_model::{Cause, DeploymentId, ReleaseNumber};
use serde::Serialize;

use super::{Follow, StepReport};
use crate::exit::ExitCode;
use crate::printer::{self, Paint, Printer, Tone, human, text};

/// Evidence lines shown; the report has all.
const EVIDENCE: usize = 20;

/// A deployment's end, as `--json` tells it.
#[derive(Debug, Clone, Serialize)]
pub struct DeploymentResult {
    /// Its id; `None` when there was nothing to do.
    pub deployment: Option<DeploymentId>,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<Outcome>,
    /// The release that it led to, or tried to.
    pub release: Option<ReleaseNumber>,
    /// The release that is live now.
    pub live: Option<ReleaseNumber>,
    /// Why, when not well.
    pub cause: Option<Cause>,
    /// Its steps.
    pub steps: Vec<StepReport>,
    /// Addresses by which a browser reaches the app.
    pub urls: Vec<String>,
    /// What it was to do.
    pub plan: Option<Plan>,
}

impl DeploymentResult {
    /// What following it taught.
    pub fn new(follow: Follow, plan: Option<Plan>) -> Self {
        Self {
            deployment: Some(follow.deployment),
            outcome: follow.outcome,
            release: follow.to.or_else(|| plan.as_ref()?.to),
            live: follow.live,
            cause: follow.cause,
            steps: follow.steps,
            urls: Vec::new(),
            plan,
        }
    }

    /// There was nothing to do.
    pub fn nothing_to_do(plan: Plan) -> Self {
        Self {
            deployment: None,
            outcome: Some(Outcome::Succeeded),
            release: plan.from,
            live: plan.from,
            cause: None,
            steps: Vec::new(),
            urls: Vec::new(),
            plan: Some(plan),
        }
    }

    /// How long its steps took together, in milliseconds.
    pub fn ms(&self) -> u64 {
        self.steps.iter().filter_map(|step| step.ms).sum()
    }

    /// Tells a person.
    pub fn tell(&self, printer: &Printer) {
        let (paint, width) = (printer.paint(), printer.width());
        match self.outcome {
            Some(Outcome::Succeeded) => printer.say(self.success(paint)),
            Some(Outcome::Superseded) => {
                let mark = paint.tone(Tone::Warn, "○");
                printer.say(format!(
                    "\n{mark} superseded by a newer deployment; it never began"
                ));
            }
            Some(Outcome::Stopped | Outcome::RolledBack) => {
                // The one message of a failure is said whatever is quiet.
                printer.error(self.failure(printer.err_paint(), width));
            }
            None => {}
        }
    }

    fn success(&self, paint: Paint) -> String {
        let mark = paint.tone(Tone::Good, "✓");
        let took = paint.tone(Tone::Faint, &format!("({})", human::took(self.ms())));
        let mut out = format!("\n{mark} {} {took}", self.headline(paint));
        let is_stop = matches!(
            self.plan.as_ref().map(|plan| &plan.intent),
            Some(Intent::Stop { .. })
        );
        for url in self.urls.iter().filter(|_| !is_stop) {
            out.push_str(&format!("\n  {}", paint.tone(Tone::Accent, url)));
        }
        out
    }

    fn headline(&self, paint: Paint) -> String {
        let strong = |text: String| paint.tone(Tone::Strong, &text);
        let release = self.live.or(self.release);
        let release = release.map_or_else(|| "no release".into(), |r| format!("release {r}"));
        match self.plan.as_ref().map(|plan| &plan.intent) {
            Some(Intent::Rollback { .. }) => strong(format!("back on {release}")),
            Some(Intent::Stop { .. }) => strong("stopped".into()),
            Some(Intent::Start { .. }) => format!("{} on {release}", strong("started".into())),
            Some(Intent::Restart { .. }) => format!("{} on {release}", strong("restarted".into())),
            _ => strong(format!("{release} is live")),
        }
    }

    fn failure(&self, paint: Paint, width: usize) -> String {
        let release = self
            .release
            .map_or_else(|| "it".into(), |r| format!("release {r}"));
        let what = match self.outcome {
            Some(Outcome::RolledBack) => format!("{release} was taken back after the switch"),
            _ => format!("{release} was stopped before any user met it"),
        };
        let mut out = format!(
            "\n{} {}\n",
            paint.tone(Tone::Bad, "✗"),
            paint.tone(Tone::Strong, &what)
        );
        if let Some(cause) = &self.cause {
            out.push_str(&cause_block(cause, paint, width));
        }
        let now = match (self.outcome, self.live) {
            (_, None) => "nothing is live".to_owned(),
            (Some(Outcome::RolledBack), Some(live)) => format!("release {live} serves again"),
            (_, Some(live)) => format!("release {live} keeps serving"),
        };
        let row = |label: &str, text: &str| {
            let lead = format!("  {} ", paint.tone(Tone::Faint, &text::pad(label, 5)));
            format!("{}\n", text::hang(&lead, 8, text, width))
        };
        out.push_str(&row("now", &now));
        if let Some(deployment) = self.deployment {
            let more = format!("landfall report {deployment}{}", self.log_hint());
            out.push_str(&row("more", &more));
        }
        out
    }

    /// Logs help where an instance ran at all.
    fn log_hint(&self) -> String {
        let started = self.steps.iter().any(|step| step.name >= StepName::Start);
        match self.release {
            Some(release) if started => format!(", landfall logs --release {release}"),
            _ => String::new(),
        }
    }
}

/// Why it failed: the sentence, what proves it, and what to do.
pub fn cause_block(cause: &Cause, paint: Paint, width: usize) -> String {
    let lead = format!("  {} ", paint.tone(Tone::Faint, "why  "));
    let mut out = text::hang(&lead, 8, &printer::plain(&cause.summary), width);
    out.push_str(&format!(
        " {}\n",
        paint.tone(Tone::Faint, &format!("[{}]", cause.kind))
    ));
    if !cause.evidence.is_empty() {
        out.push('\n');
        let lines = cause.evidence.iter().flat_map(|text| text.lines());
        for line in lines.clone().take(EVIDENCE) {
            let line = printer::plain(line);
            out.push_str(&format!("    {} {line}\n", paint.tone(Tone::Faint, "│")));
        }
        if let more @ 1.. = lines.count().saturating_sub(EVIDENCE) {
            out.push_str(&format!(
                "    {} … {more} more\n",
                paint.tone(Tone::Faint, "│")
            ));
        }
        out.push('\n');
    }
    if let Some(fix) = &cause.fix {
        let lead = format!("  {} ", paint.tone(Tone::Accent, "fix  "));
        out.push_str(&text::hang(&lead, 8, fix, width));
        out.push('\n');
    }
    out
}

/// What the outcome of a deployment means for the exit code.
pub fn exit_code(outcome: Option<Outcome>) -> ExitCode {
    match outcome {
        Some(Outcome::Succeeded) => ExitCode::Ok,
        Some(Outcome::Stopped | Outcome::Superseded) => ExitCode::Stopped,
        Some(Outcome::RolledBack) => ExitCode::RolledBack,
        None => ExitCode::Detached,
    }
}
