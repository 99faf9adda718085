//! A flood of lines, and whether each of them is there afterwards.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Contest, own_program};
use crate::apps;
use crate::cpu;
use crate::report::{Report, Table, number, ratio};
use crate::wait::wait_for;

/// 20 MB: within what both keep.
const LINES: u64 = 200_000;
const DONE_WITHIN: Duration = Duration::from_secs(120);
/// Where the last line is looked for, from the end of the newest file.
const TAIL: u64 = 64 * 1024;

struct Flood {
    seconds: f64,
    cpu: f64,
    lines: u64,
    wrong: u64,
}

pub(super) fn run(contest: &Contest<'_>, report: &mut Report) -> Result<()> {
    let theirs = pm2(contest)?;
    let ours = landfall(contest)?;
    let mut table = Table::new(
        format!("{LINES} lines of {} bytes, every one checked", apps::LINE),
        &["", "lines/s", "CPU µs/line", "there", "missing or wrong"],
    );
    let rate = |flood: &Flood| Some(LINES as f64 / flood.seconds);
    let cpu = |flood: &Flood| Some(flood.cpu * 1e6 / LINES as f64);
    for (name, flood) in [("PM2", &theirs), ("landfall", &ours)] {
        table.row([
            name.to_owned(),
            number(rate(flood), 0),
            number(cpu(flood), 2),
            flood.lines.to_string(),
            flood.wrong.to_string(),
        ]);
    }
    table.row([
        "landfall better by".into(),
        ratio(rate(&ours), rate(&theirs)),
        ratio(cpu(&theirs), cpu(&ours)),
    ]);
    report.table(table);
    report.data(
        "logs",
        json!({ "pm2": theirs.json(), "landfall": ours.json() }),
    );
    Ok(())
}

impl Flood {
    /// Of these lines, which should be the flood's.
    fn check<'a>(seconds: f64, cpu: f64, lines: impl Iterator<Item = &'a str>) -> Self {
        let mut flood = Self {
            seconds,
            cpu,
            lines: 0,
            wrong: 0,
        };
        for line in lines {
            flood.wrong += u64::from(line != apps::line(flood.lines));
            flood.lines += 1;
        }
        flood.wrong += LINES.saturating_sub(flood.lines);
        flood
    }

    fn json(&self) -> Value {
        json!({
            "lines_per_second": LINES as f64 / self.seconds, "cpu_us_per_line": self.cpu * 1e6 / LINES as f64,
            "lines": self.lines, "wrong": self.wrong,
        })
    }
}

fn pm2(contest: &Contest<'_>) -> Result<Flood> {
    let pm2 = contest.pm2("pm2")?;
    pm2.run(&["ping"])?;
    let logs = contest.place.dir("pm2-logs")?;
    let (log, mark) = (logs.join("flood.log"), logs.join("mark"));
    let file = pm2.ecosystem(&json!({
        "name": "flood", "script": own_program()?, "interpreter": "none",
        "args": format!("app flood {LINES} {}", mark.display()), "out_file": log,
    }))?;
    let daemon = pm2.daemon()?;
    let before = cpu::of_process(daemon);
    pm2.run(&["start", &file])?;
    let seconds = time_of_flood(&logs, &mark)?;
    let used = cpu::of_process(daemon).saturating_sub(before);
    let text = fs::read_to_string(&log).context("failed to read PM2's log")?;
    pm2.kill();
    Ok(Flood::check(seconds, used.as_secs_f64(), text.lines()))
}

fn landfall(contest: &Contest<'_>) -> Result<Flood> {
    let landfall = contest.landfall("flood")?;
    let mark = contest.place.path().join("mark");
    let run = json!([own_program()?, "app", "flood", LINES.to_string(), mark]);
    landfall.write(
        "landfall.toml",
        &format!("app = \"flood\"\n\n[service.flood]\nrun = {run}\n"),
    )?;
    landfall.run(&["agent", "start"])?;
    landfall.run(&["deploy", "--yes"])?;
    let seconds = time_of_flood(&landfall.home().join("instances"), &mark)?;
    // Shims of agent and proxy have hardly done anything.
    let used = cpu::of_processes(&landfall.own(&contest.place).shims);
    let tail = (LINES * 2).to_string();
    let said = landfall.run(&["logs", "flood", "--tail", &tail, "--json"])?;
    let entries: Vec<Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let lines = entries
        .iter()
        .filter(|entry| entry["stream"] == "stdout")
        .filter_map(|entry| entry["text"].as_str());
    let flood = Flood::check(seconds, used.as_secs_f64(), lines);
    landfall.stop_everything()?;
    Ok(flood)
}

/// Seconds from the mark that the app makes to the write that brought the last line into a log.
fn time_of_flood(logs: &Path, mark: &Path) -> Result<f64> {
    let last = apps::line(LINES - 1);
    let ended = wait_for(DONE_WITHIN, "the last line", || {
        let (changed, newest) = newest_log(logs)?;
        let end = end_of(&newest).ok()?;
        let is_there = end.windows(last.len()).any(|part| part == last.as_bytes());
        is_there.then_some(changed)
    })?;
    let began = fs::metadata(mark)?.modified()?;
    Ok(ended.duration_since(began)?.as_secs_f64())
}

fn newest_log(dir: &Path) -> Option<(SystemTime, PathBuf)> {
    let mut logs = Vec::new();
    find_logs(dir, &mut logs);
    logs.into_iter().max()
}

fn find_logs(dir: &Path, found: &mut Vec<(SystemTime, PathBuf)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_logs(&path, found);
        } else if let Ok(changed) = entry.metadata().and_then(|metadata| metadata.modified())
            && path.extension().is_some_and(|extension| extension == "log")
        {
            found.push((changed, path));
        }
    }
}

fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text)?;
    Ok(text)
}
