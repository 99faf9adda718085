//! The demo itself: acts under load, one after the other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use jiff::Timestamp;
use landfall_agent::api::types::{DeployAccepted, DeployRequest, EventView, PlanRequest};
use landfall_load::{Load, LoadHandle, LoadPlan};
use landfall_model::event::Event;
use landfall_model::plan::Intent;

use super::acts::{ACTS, Act};
use super::report::{DemoDeployment, DemoReport};
use super::sandbox::Sandbox;
use super::timeline::Timeline;
use super::workspace::Workspace;
use super::{checks, summary};
use crate::client::Client;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::{Context, asked_by};
use crate::deployment::{Attached, Follow, Narrator, Watcher, attach, deploy_source};
use crate::printer::{Printer, Tone, human, text};
use crate::project;

/// The host by which the load asks; the demo's route takes any.
const HOST: &str = "localhost";

/// Shows the demo and returns what it saw.
///
/// # Errors
/// When something fails that is no part of the show.
pub async fn show(
    context: &Context,
    workspace: &Workspace,
    sandbox: &Sandbox,
) -> CommandResult<DemoReport> {
    let printer = &context.printer;
    let mut stage = Stage::set(context, workspace, sandbox).await?;
    let mut load = None;
    for act in &ACTS {
        headline(printer, act);
        let deployment = stage.play(act).await?;
        curtain(printer, act, &deployment, load.as_ref());
        let is_live = deployment.live.is_some();
        stage.played.push(deployment);
        if load.is_none() {
            if !is_live {
                let message = "the first release did not come up; there is nothing to show";
                return Err(CommandError::new(ErrorKind::Demo, message));
            }
            load = Some(start_load(printer, stage.http)?);
        }
    }
    let Some(load) = load else {
        return Err(CommandError::new(ErrorKind::Demo, "there was no act"));
    };
    let load = load.stop().await;
    let spans = stage.timeline.finish(Instant::now());
    let wrong = load.wrong_version(&spans).len() as u64;
    let url = format!("http://{}/", stage.http);
    let mut report = DemoReport::new(&load, wrong, url, stage.played);
    report.unexpected = checks::unexpected(&report, &load);
    printer.say(summary::render(
        &report,
        &load,
        printer.paint(),
        printer.width(),
    ));
    Ok(report)
}

/// What the acts share.
struct Stage<'a> {
    context: &'a Context,
    workspace: &'a Workspace,
    sandbox: &'a Sandbox,
    client: Client,
    http: SocketAddr,
    timeline: Timeline,
    versions: BTreeMap<u32, &'static str>,
    played: Vec<DemoDeployment>,
}

impl<'a> Stage<'a> {
    async fn set(
        context: &'a Context,
        workspace: &'a Workspace,
        sandbox: &'a Sandbox,
    ) -> CommandResult<Self> {
        let started = sandbox.agent().start(&context.printer).await?;
        let http = started
            .info
            .http
            .first()
            .copied()
            .ok_or_else(|| CommandError::new(ErrorKind::Demo, "the proxy listens nowhere"))?;
        let mark = context.printer.paint().tone(Tone::Good, "✓");
        context.printer.say(format!(
            "{mark} an agent and a proxy of the demo's own, on http://{http}/"
        ));
        Ok(Self {
            context,
            workspace,
            sandbox,
            client: sandbox.agent().client(),
            http,
            timeline: Timeline::new(Instant::now(), Timestamp::now()),
            versions: BTreeMap::new(),
            played: Vec::new(),
        })
    }

    async fn play(&mut self, act: &Act) -> CommandResult<DemoDeployment> {
        let request = DeployRequest {
            plan: self.request(act)?,
            expect: None,
            supersede: false,
            by: asked_by(),
        };
        let accepted: DeployAccepted = self.client.post("/v1/deployments", &request).await?;
        let id = accepted.deployment.ok_or_else(|| {
            CommandError::new(
                ErrorKind::Demo,
                format!("{}: there was nothing to do", act.name),
            )
        })?;
        let mut watcher = Recorder {
            narrator: Narrator::for_people(&self.context.printer),
            version: act.version,
            timeline: &mut self.timeline,
            versions: &mut self.versions,
        };
        match attach(&self.client, id, 0, &mut watcher).await? {
            Attached::Ended(follow) => Ok(DemoDeployment::new(act, follow)),
            Attached::Detached(Follow { .. }) => {
                Err(CommandError::new(ErrorKind::Demo, "interrupted"))
            }
        }
    }

    fn request(&self, act: &Act) -> CommandResult<PlanRequest> {
        if !act.is_rollback() {
            self.sandbox.write(self.workspace, act)?;
        }
        let printer = &self.context.printer;
        let environment = "local"
            .parse()
            .map_err(|_| CommandError::unexpected("local"))?;
        let loaded = project::load(printer, Some(&self.sandbox.file()), &environment)?;
        let app = loaded.spec.app.clone();
        let (intent, deploy) = match act.is_rollback() {
            // To v1, which is what the last act tells.
            true => (Intent::Rollback { to: None }, None),
            false => (
                Intent::Deploy {
                    force: false,
                    only: Vec::new(),
                },
                Some(deploy_source(loaded)),
            ),
        };
        Ok(PlanRequest {
            app,
            environment,
            intent,
            deploy,
        })
    }
}

/// Narrates, and keeps the book about which version was live when.
struct Recorder<'a> {
    narrator: Narrator<'a>,
    version: &'static str,
    timeline: &'a mut Timeline,
    versions: &'a mut BTreeMap<u32, &'static str>,
}

impl Watcher for Recorder<'_> {
    fn tell(&mut self, event: &EventView) {
        if let Event::Started { to: Some(to), .. } = &event.event {
            self.versions.entry(to.0).or_insert(self.version);
        }
        let versions = &*self.versions;
        self.timeline.apply(event, |release| {
            versions.get(&release).map(|name| (*name).to_owned())
        });
        self.narrator.tell(event);
    }

    fn remark(&mut self, remark: &str) {
        self.narrator.remark(remark);
    }

    fn end(&mut self) {
        self.narrator.end();
    }
}

fn headline(printer: &Printer, act: &Act) {
    let paint = printer.paint();
    let rule = "─".repeat(
        printer
            .width()
            .min(80)
            .saturating_sub(text::width(act.name) + 4),
    );
    printer.say(format!(
        "\n{} {} {}\n{}\n\n",
        paint.tone(Tone::Faint, "──"),
        paint.tone(Tone::Strong, act.name),
        paint.tone(Tone::Faint, &rule),
        text::wrap(act.told, printer.width().min(80)).join("\n"),
    ));
}

fn curtain(printer: &Printer, act: &Act, deployment: &DemoDeployment, load: Option<&LoadHandle>) {
    let paint = printer.paint();
    let is_expected = deployment.outcome == Some(act.outcome);
    let mark = match is_expected {
        true => paint.tone(Tone::Good, "✓"),
        false => paint.tone(Tone::Bad, "✗"),
    };
    let mut line = format!("  {mark} {} serves", paint.tone(Tone::Strong, act.live));
    if let Some(load) = load {
        let snapshot = load.snapshot();
        let lost = format!("{} lost", snapshot.failed);
        let tone = if snapshot.failed == 0 {
            Tone::Good
        } else {
            Tone::Bad
        };
        let requests = human::count(snapshot.requests, "request");
        line.push_str(&format!("; {requests} so far, {}", paint.tone(tone, &lost)));
    }
    printer.say(format!("\n{line}"));
}

fn start_load(printer: &Printer, http: SocketAddr) -> CommandResult<LoadHandle> {
    let plan = LoadPlan::new(http, HOST);
    let users = plan.keep_alive + plan.new_connections + plan.slow + plan.websockets;
    let told = format!(
        "From now on {users} users ask without a pause: on kept and on new connections, for slow \
         answers, and over WebSockets."
    );
    printer.say(format!(
        "\n{}",
        text::hang("  ", 2, &told, printer.width().min(80))
    ));
    Ok(Load::start(plan)?)
}
