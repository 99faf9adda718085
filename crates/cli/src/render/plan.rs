//! Plans: what will happen and why, aligned, one thing a line.

use std::collections::BTreeMap;

use landfall_agent::api::types::PlanRequest;
use landfall_model::plan::{Action, BuildLine, Change, Plan, RouteLine, ServiceLine, TaskLine};
use landfall_model::spec::{RouteSpec, When};
use landfall_model::{ReleaseNumber, ServiceName};

use crate::printer::{Paint, Tone, human, text};

/// Columns of the section names.
const LABEL: usize = 9;

/// A plan, for a person.
pub fn plan(request: &PlanRequest, plan: &Plan, paint: Paint, width: usize) -> String {
    let app = paint.tone(Tone::Strong, request.app.as_str());
    let mut out = format!("{app} in {}: {}\n", request.environment, headline(plan));
    if plan.is_noop() {
        return out;
    }
    out.push('\n');
    let mut page = Page::new(plan, paint, width);
    plan.builds.iter().for_each(|line| page.build(line));
    plan.services.iter().for_each(|line| page.service(line));
    plan.routes.iter().for_each(|line| page.route(line));
    page.env(plan);
    plan.tasks.iter().for_each(|line| page.task(line));
    page.notes(plan);
    page.steps(plan);
    out + &page.out
}

fn headline(plan: &Plan) -> String {
    let release = |number: Option<ReleaseNumber>| match number {
        Some(number) => format!("release {number}"),
        None => "nothing".to_owned(),
    };
    if plan.is_noop() {
        return match plan.from {
            Some(live) => format!("nothing to do, release {live} is just that"),
            None => "nothing to do".into(),
        };
    }
    match (plan.from, plan.to) {
        (None, to) => format!("{}, the first", release(to)),
        (from, to) if from == to => format!("{} {}", plan.intent.verb(), release(from)),
        (from, to) => format!("{} {} → {}", plan.intent.verb(), release(from), release(to)),
    }
}

/// What a line begins with.
#[derive(Clone, Copy)]
enum Mark {
    Comes,
    Changes,
    Goes,
    Stays,
    Note,
}

impl Mark {
    fn shown(self, paint: Paint) -> String {
        let (tone, sign) = match self {
            Self::Comes => (Tone::Good, "+"),
            Self::Changes => (Tone::Warn, "~"),
            Self::Goes => (Tone::Bad, "-"),
            Self::Stays => (Tone::Faint, "="),
            Self::Note => (Tone::Warn, "!"),
        };
        paint.tone(tone, sign)
    }
}

impl From<Change> for Mark {
    fn from(change: Change) -> Self {
        match change {
            Change::Added => Self::Comes,
            Change::Removed => Self::Goes,
            Change::Changed => Self::Changes,
        }
    }
}

struct Page {
    out: String,
    section: &'static str,
    names: usize,
    paint: Paint,
    width: usize,
}

impl Page {
    fn new(plan: &Plan, paint: Paint, width: usize) -> Self {
        let services = plan
            .services
            .iter()
            .map(|line| text::width(line.service.as_str()));
        let tasks = plan
            .tasks
            .iter()
            .map(|line| text::width(line.task.as_str()));
        let routes = plan
            .routes
            .iter()
            .map(|line| text::width(&place(&line.route)));
        let names = services.chain(tasks).chain(routes).max().unwrap_or(0);
        Self {
            out: String::new(),
            section: "",
            names: names.min(width / 3),
            paint,
            width,
        }
    }

    /// A line with its section's name, once.
    fn line(&mut self, section: &'static str, mark: Mark, name: &str, said: &str) {
        let label = if self.section == section { "" } else { section };
        self.section = section;
        let lead = format!(
            "  {}{} {}  ",
            self.paint.tone(Tone::Faint, &text::pad(label, LABEL)),
            mark.shown(self.paint),
            text::pad(name, self.names),
        );
        let taken = 2 + LABEL + 2 + self.names.max(text::width(name)) + 2;
        self.out
            .push_str(&text::hang(&lead, taken, said, self.width));
        self.out.push('\n');
    }

    fn build(&mut self, line: &BuildLine) {
        let mark = if line.build {
            Mark::Changes
        } else {
            Mark::Stays
        };
        self.line("Build", mark, line.service.as_str(), &line.reason);
    }

    fn service(&mut self, line: &ServiceLine) {
        let (mark, what) = action(line);
        let said = match (what.as_str(), line.reason.as_str()) {
            ("", reason) => reason.to_owned(),
            (what, "") => what.to_owned(),
            (what, reason) => format!("{what}: {reason}"),
        };
        self.line("Services", mark, line.service.as_str(), &said);
    }

    fn route(&mut self, line: &RouteLine) {
        let strips = if line.route.strip_prefix {
            ", without the prefix"
        } else {
            ""
        };
        let said = format!("→ {}{strips}", line.route.to);
        self.line("Routes", line.change.into(), &place(&line.route), &said);
    }

    /// Variables by service and change: a first release has many.
    fn env(&mut self, plan: &Plan) {
        let mut groups: BTreeMap<(&ServiceName, u8), (Change, Vec<&str>)> = BTreeMap::new();
        for line in &plan.env {
            let order = match line.change {
                Change::Added => 0,
                Change::Changed => 1,
                Change::Removed => 2,
            };
            let group = groups.entry((&line.service, order));
            group
                .or_insert_with(|| (line.change, Vec::new()))
                .1
                .push(&line.name);
        }
        for ((service, _), (change, names)) in groups {
            self.line("Env", change.into(), service.as_str(), &names.join(", "));
        }
    }

    fn task(&mut self, line: &TaskLine) {
        let when = match line.when {
            When::BeforeSwitch => "before the switch",
            When::AfterSwitch => "after the switch",
            When::Manual => "by hand",
        };
        let command = line.command.trim().replace('\n', "; ");
        self.line(
            "Tasks",
            Mark::Comes,
            line.task.as_str(),
            &format!("{when}: {command}"),
        );
    }

    fn notes(&mut self, plan: &Plan) {
        for note in &plan.notes {
            let lead = format!(
                "  {}{} ",
                self.paint.tone(Tone::Faint, &text::pad("Note", LABEL)),
                Mark::Note.shown(self.paint)
            );
            self.out
                .push_str(&text::hang(&lead, 2 + LABEL + 2, note, self.width));
            self.out.push('\n');
        }
    }

    fn steps(&mut self, plan: &Plan) {
        let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
        let lead = format!(
            "  {}",
            self.paint.tone(Tone::Faint, &text::pad("Steps", LABEL))
        );
        let steps = text::hang(&lead, 2 + LABEL, &steps.join(" → "), self.width);
        self.out.push_str(&steps);
        self.out.push('\n');
    }
}

fn place(route: &RouteSpec) -> String {
    format!("{}{}", route.host.as_deref().unwrap_or("*"), route.path)
}

fn action(line: &ServiceLine) -> (Mark, String) {
    let instances = |count: usize| human::count(count as u64, "instance");
    let (starts, stops) = (line.start as usize, line.stop.len());
    match line.action {
        Action::Keep => (Mark::Stays, String::new()),
        Action::Start => (Mark::Comes, format!("start {}", instances(starts))),
        Action::Replace => {
            let what = match (starts, stops) {
                (new, old) if new == old => format!("replace {}, no gap", instances(new)),
                (new, old) => format!("{} take over from {old}, no gap", instances(new)),
            };
            (Mark::Changes, what)
        }
        Action::ReplaceStopFirst => (Mark::Changes, "replace, stop first, with a gap".into()),
        Action::Scale => (Mark::Changes, "scale".into()),
        Action::Serve => (Mark::Changes, "serve the files of this release".into()),
        Action::Stop => (Mark::Goes, "stop".into()),
    }
}
