//! An environment as it is served.

use jiff::Timestamp;
use landfall_agent::api::types::{
    EnvironmentView, InstanceView, LiveSince, ReleaseView, ServiceView,
};
use landfall_runtime::InstanceState;
use serde::Serialize;

use super::source::{revision, short_commit};
use crate::deployment::command_for;
use crate::git::Undeployed;
use crate::printer::{Cell, Paint, Table, Tone, human, text};

/// What `landfall status` tells: the agent's view, and what only the source tree knows.
#[derive(Debug, Serialize)]
pub struct StatusView {
    /// The environment.
    #[serde(flatten)]
    pub environment: EnvironmentView,
    /// How the source tree and what is live differ; `None` where git cannot tell.
    pub undeployed: Option<Undeployed>,
    /// Whether git cannot tell because this repository does not have the commit that is live.
    #[serde(rename = "commit_unknown")]
    pub is_unknown: bool,
}

/// The status, for a person.
pub fn status(status: &StatusView, now: Timestamp, paint: Paint, width: usize) -> String {
    let view = &status.environment;
    let app = paint.tone(Tone::Strong, view.app.as_str());
    let mut out = format!("{app} in {}: {}\n", view.environment, headline(view, paint));
    if let Some(release) = &view.release {
        out.push_str(&origin(release, now, paint));
        if let Some(since) = &view.live_since {
            out.push_str(&how(release, since, now, paint));
        }
    }
    for url in &view.urls {
        out.push_str(&row("url", &paint.tone(Tone::Accent, url), paint));
    }
    if let Some(id) = view.deployment {
        let attach = command_for("attach", id, &view.environment);
        let text = format!("{id} is under way; `{attach}` follows it");
        out.push_str(&row("deployment", &text, paint));
    }
    for id in &view.queued {
        out.push_str(&row("queued", &format!("deployment {id}"), paint));
    }
    if let Some(undeployed) = &status.undeployed {
        out.push_str(&not_deployed(undeployed, paint, width));
    }
    if status.is_unknown {
        let said =
            "this repository does not have the commit that is live; `git fetch` may bring it";
        out.push_str(&row("branch", &paint.tone(Tone::Warn, said), paint));
    }
    let table = instances(view, now);
    if !table.is_empty() {
        out.push('\n');
        out.push_str(&table.render(paint, width));
    }
    for difference in &view.differences {
        let lead = format!("{} ", paint.tone(Tone::Warn, "!"));
        out.push('\n');
        out.push_str(&text::hang(&lead, 2, difference, width));
    }
    out
}

fn headline(view: &EnvironmentView, paint: Paint) -> String {
    let Some(release) = &view.release else {
        return "nothing is deployed; `landfall deploy` does".into();
    };
    let number = release.number;
    let is_stopped = !view.services.is_empty() && view.services.iter().all(|s| s.stopped);
    let (tone, said) = match view.serving {
        Some(serving) if serving == number => {
            (Tone::Good, "live, and the proxy proves it".to_owned())
        }
        Some(serving) => (
            Tone::Bad,
            format!("declared, but release {serving} is served"),
        ),
        None if is_stopped => (Tone::Faint, "stopped by hand".to_owned()),
        None if view.urls.is_empty() => (Tone::Good, "live, without routes".to_owned()),
        None => (Tone::Bad, "declared, but nothing answers".to_owned()),
    };
    format!("release {number} is {}", paint.tone(tone, &said))
}

fn origin(release: &ReleaseView, now: Timestamp, paint: Paint) -> String {
    let source = &release.source;
    let mut out = String::new();
    let mut commit = revision(source);
    if let Some(subject) = &source.subject {
        commit.push_str(&format!("  {subject}"));
    }
    if let Some(author) = &source.author {
        let name = author.split(" <").next().unwrap_or(author);
        commit.push_str(&paint.tone(Tone::Faint, &format!("  {name}")));
    }
    out.push_str(&row("commit", &commit, paint));
    if source.dirty {
        let dirty = "the tree held changes that this commit does not";
        out.push_str(&row("", &paint.tone(Tone::Warn, dirty), paint));
    }
    let deployed = format!(
        "{} by {} {}",
        human::ago(release.created_at, now),
        release.by,
        paint.tone(Tone::Faint, &format!("(deployment {})", release.deployment)),
    );
    out.push_str(&row("deployed", &deployed, paint));
    for (service, digest) in &release.artifacts {
        out.push_str(&row(
            "artifact",
            &format!("{service} {}", digest.short()),
            paint,
        ));
    }
    out
}

/// How it came to be live, where that was not the deployment that made it.
fn how(release: &ReleaseView, since: &LiveSince, now: Timestamp, paint: Paint) -> String {
    if since.deployment == release.deployment {
        return String::new();
    }
    let said = format!(
        "{}, {} by {} {}",
        since.how,
        human::ago(since.at, now),
        since.by,
        paint.tone(Tone::Faint, &format!("(deployment {})", since.deployment)),
    );
    row("live by", &said, paint)
}

fn row(label: &str, said: &str, paint: Paint) -> String {
    format!(
        "  {} {said}\n",
        paint.tone(Tone::Faint, &text::pad(label, 10))
    )
}

fn not_deployed(undeployed: &Undeployed, paint: Paint, width: usize) -> String {
    let mut out = commits(undeployed, paint, width);
    if undeployed.missing > 0 {
        let count = human::count(undeployed.missing, "commit");
        let said = format!("what is live has {count} that this branch does not");
        out.push_str(&row("", &paint.tone(Tone::Warn, &said), paint));
    }
    if undeployed.dirty {
        let said = "the tree here has changes that are in no commit";
        out.push_str(&row("", &paint.tone(Tone::Warn, said), paint));
    }
    out
}

fn commits(undeployed: &Undeployed, paint: Paint, width: usize) -> String {
    if undeployed.count == 0 {
        return row("branch", "every commit is deployed", paint);
    }
    let verb = if undeployed.count == 1 { "is" } else { "are" };
    let said = format!(
        "{} {verb} not deployed",
        human::count(undeployed.count, "commit")
    );
    let mut out = row("branch", &paint.tone(Tone::Warn, &said), paint);
    for commit in &undeployed.commits {
        out.push_str(&row(
            "",
            &text::fit(commit, width.saturating_sub(13)),
            paint,
        ));
    }
    if let more @ 1.. = undeployed
        .count
        .saturating_sub(undeployed.commits.len() as u64)
    {
        out.push_str(&row(
            "",
            &paint.tone(Tone::Faint, &format!("… and {more} more")),
            paint,
        ));
    }
    out
}

fn instances(view: &EnvironmentView, now: Timestamp) -> Table {
    let mut table = Table::new([
        "SERVICE",
        "STATE",
        "RELEASE",
        "UP",
        "PORT",
        "RESTARTS",
        "BUSY",
        "INSTANCE",
        "LAST EXIT",
    ]);
    for service in &view.services {
        if service.instances.is_empty() {
            table.row(without_instances(service));
        }
        for instance in &service.instances {
            table.row(instance_row(service, instance, now));
        }
    }
    table
}

fn without_instances(service: &ServiceView) -> [Cell; 9] {
    let state = match service.kind.as_str() {
        _ if service.stopped => Cell::new("○ stopped", Tone::Faint),
        "static" => Cell::new("● files", Tone::Good),
        _ => Cell::new("✗ not running", Tone::Bad),
    };
    let none = Cell::default;
    let name = service.name.as_str().into();
    [
        name,
        state,
        none(),
        none(),
        none(),
        none(),
        none(),
        none(),
        none(),
    ]
}

fn instance_row(service: &ServiceView, instance: &InstanceView, now: Timestamp) -> [Cell; 9] {
    let number = |count: u64| match count {
        0 => Cell::default(),
        count => human::thousands(count).into(),
    };
    let up = match &instance.state {
        Some(InstanceState::Running { since, .. }) => {
            let up = now.as_second().saturating_sub(since.as_second());
            human::coarse(std::time::Duration::from_secs(up.max(0).unsigned_abs()))
        }
        _ => String::new(),
    };
    [
        service.name.as_str().into(),
        state(instance.state.as_ref()),
        instance.release.to_string().into(),
        up.into(),
        instance
            .port
            .map(|port| port.to_string())
            .unwrap_or_default()
            .into(),
        number(instance.restarts.into()),
        number(instance.in_flight),
        Cell::new(instance.id.as_str(), Tone::Faint),
        instance.last_exit.clone().unwrap_or_default().into(),
    ]
}

fn state(state: Option<&InstanceState>) -> Cell {
    match state {
        Some(InstanceState::Running { .. }) => Cell::new("● running", Tone::Good),
        Some(InstanceState::BackingOff { .. }) => Cell::new("… restarting", Tone::Warn),
        Some(InstanceState::CrashLooping { .. }) => Cell::new("✗ crash loop", Tone::Bad),
        Some(InstanceState::Exited) => Cell::new("✗ exited", Tone::Bad),
        Some(InstanceState::Lost) => Cell::new("✗ lost", Tone::Bad),
        None => Cell::new("✗ unknown", Tone::Bad),
    }
}

/// One line about an environment, for lists of them.
pub fn brief(view: &EnvironmentView, paint: Paint) -> String {
    let commit = view
        .release
        .as_ref()
        .and_then(|release| release.source.commit.as_deref())
        .map(short_commit)
        .unwrap_or_default();
    let app = paint.tone(Tone::Strong, view.app.as_str());
    let commit = paint.tone(Tone::Faint, commit);
    format!(
        "{app} in {}: {} {commit}",
        view.environment,
        headline(view, paint)
    )
}
