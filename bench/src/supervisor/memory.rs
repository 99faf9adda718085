//! Memory of an idle supervisor with no, few and many apps.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Contest, own_program};
use crate::memory::Memory;
use crate::report::{Report, Table, number, ratio};
use crate::wait::pause;

const APPS: [u32; 3] = [0, 10, 100];
/// What was needed for the start and is given back has gone by then.
const SETTLE: Duration = Duration::from_secs(3);

/// What Landfall's parts use.
struct Ours {
    agent: Memory,
    proxy: Memory,
    shims: Memory,
    shim_count: usize,
}

impl Ours {
    fn pss(&self) -> f64 {
        self.agent.pss_mib() + self.proxy.pss_mib() + self.shims.pss_mib()
    }

    fn shim_private(&self) -> f64 {
        self.shims.private_mib() / self.shim_count.max(1) as f64
    }
}

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let theirs = pm2(contest)?;
    let ours = landfall(contest)?;
    let mut table = Table::new(
        "idle memory, MiB (proportional; in brackets private)",
        &[
            "apps",
            "agent",
            "proxy",
            "all shims",
            "per shim",
            "landfall",
            "PM2",
            "PM2 / landfall",
        ],
    );
    let mut rows = Vec::new();
    for ((apps, ours), theirs) in APPS.iter().zip(&ours).zip(&theirs) {
        let both =
            |memory: &Memory| format!("{:.1} ({:.1})", memory.pss_mib(), memory.private_mib());
        table.row([
            apps.to_string(),
            both(&ours.agent),
            both(&ours.proxy),
            both(&ours.shims),
            format!("({:.2})", ours.shim_private()),
            number(Some(ours.pss()), 1),
            both(theirs),
            ratio(Some(theirs.pss_mib()), Some(ours.pss())),
        ]);
        rows.push(row(*apps, ours, theirs));
    }
    report.table(table);
    report.note("shims: those of agent and proxy are counted as well; memory of the apps is not");
    report.data("memory", Value::Array(rows));
    Ok(())
}

fn row(apps: u32, ours: &Ours, theirs: &Memory) -> Value {
    let mib = |memory: &Memory| json!({ "private_mib": memory.private_mib(), "pss_mib": memory.pss_mib(), "rss_kib": memory.rss });
    json!({
        "apps": apps, "agent": mib(&ours.agent), "proxy": mib(&ours.proxy), "shims": mib(&ours.shims),
        "private_mib_per_shim": ours.shim_private(), "landfall_pss_mib": ours.pss(), "pm2": mib(theirs),
        "pm2_over_landfall": theirs.pss_mib() / ours.pss(),
    })
}

fn landfall(contest: &Contest<'_>) -> Result<Vec<Ours>> {
    let landfall = contest.landfall("idle")?;
    let run = json!([own_program()?, "app", "idle"]);
    let mut all = Vec::new();
    for apps in APPS {
        if apps == 0 {
            landfall.run(&["agent", "start"])?;
        } else {
            landfall.write(
                "landfall.toml",
                &format!("app = \"idle\"\n\n[service.idle]\nrun = {run}\nreplicas = {apps}\n"),
            )?;
            landfall.run(&["deploy", "--yes"])?;
        }
        pause(SETTLE);
        let own = landfall.own(&contest.place);
        all.push(Ours {
            agent: Memory::of_all(own.agent),
            proxy: Memory::of_all(own.proxy),
            shim_count: own.shims.len(),
            shims: Memory::of_all(own.shims),
        });
    }
    landfall.stop_everything()?;
    Ok(all)
}

fn pm2(contest: &Contest<'_>) -> Result<Vec<Memory>> {
    let mut all = Vec::new();
    for apps in APPS {
        let pm2 = contest.pm2(&format!("pm2-{apps}"))?;
        pm2.run(&["ping"])?;
        if apps > 0 {
            let file = pm2.ecosystem(&json!({
                "name": "idle", "script": own_program()?, "args": "app idle", "interpreter": "none",
                "exec_mode": "fork", "instances": apps,
            }))?;
            pm2.run(&["start", &file])?;
        }
        pause(SETTLE);
        all.push(Memory::of(pm2.daemon()?));
        pm2.kill();
    }
    Ok(all)
}
