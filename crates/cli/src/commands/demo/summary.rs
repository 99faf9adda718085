//! The end of the demo, for a person: what users met, when which version answered, what each
//! deployment took and which cause was found.

use landfall_load::LoadReport;
use landfall_model::rollout::Outcome;

use super::report::{DemoDeployment, DemoReport};
use crate::printer::{self, Paint, Tone, human, text};

/// Columns of the timeline's names.
const NAME: usize = 5;
/// Where the second column of the deployments begins.
const INDENT: usize = 26;
/// Widest timeline.
const TIMELINE_MAX: usize = 72;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The whole summary.
pub fn render(report: &DemoReport, load: &LoadReport, paint: Paint, width: usize) -> String {
    let mut out = format!("\n{}\n\n", paint.tone(Tone::Strong, "What the users met"));
    out.push_str(&counts(report, paint));
    out.push('\n');
    out.push_str(&timeline(report, load, paint, width));
    out.push_str(&format!(
        "\n{}\n\n",
        paint.tone(Tone::Strong, "What the deployments did")
    ));
    out.push_str(&deployments(report, paint, width));
    out.push_str(&verdict(report, paint, width));
    out
}

fn counts(report: &DemoReport, paint: Paint) -> String {
    let row = |count: u64, good: bool, said: &str| {
        let tone = if good { Tone::Good } else { Tone::Bad };
        let number = format!("{:>9}", human::thousands(count));
        format!("{}  {said}\n", paint.tone(tone, &number))
    };
    let seconds = report.load_ms / 1_000;
    let sent = format!("requests and WebSocket messages sent in {seconds} s");
    [
        row(report.requests, report.requests > 0, &sent),
        row(
            report.failed,
            report.failed == 0,
            "lost, reset, or answered by the proxy in the app's place",
        ),
        row(
            report.wrong_version,
            report.wrong_version == 0,
            "answered by a version that was not live",
        ),
        row(
            report.app_errors,
            report.unexpected.is_empty(),
            "errors of v5's own, until it was taken back",
        ),
    ]
    .concat()
}

/// How many answers each version gave in each slice of time.
fn timeline(report: &DemoReport, load: &LoadReport, paint: Paint, width: usize) -> String {
    let columns = width.saturating_sub(NAME + 16).clamp(20, TIMELINE_MAX);
    let slice = (load.lasted.as_secs_f64() / columns as f64).max(f64::EPSILON);
    let mut names: Vec<&str> = report.deployments.iter().map(|d| d.version).collect();
    names.sort_unstable();
    names.dedup();
    let counts = |name: &str| {
        let mut counts = vec![0_u64; columns];
        for record in &load.records {
            if record.outcome.version().map(|label| load.text(label)) == Some(name) {
                let column = (record.ended.as_secs_f64() / slice) as usize;
                counts[column.min(columns - 1)] += 1;
            }
        }
        counts
    };
    let rows: Vec<(&str, Vec<u64>)> = names.into_iter().map(|name| (name, counts(name))).collect();
    let most = rows
        .iter()
        .flat_map(|(_, counts)| counts)
        .copied()
        .max()
        .unwrap_or(1)
        .max(1);
    let mut out = String::new();
    for (name, counts) in rows {
        let total: u64 = counts.iter().sum();
        let said = match total {
            0 => paint.tone(Tone::Faint, "no user met it"),
            total => format!("{} answers", human::thousands(total)),
        };
        let bars: String = counts.iter().map(|&count| bar(count, most)).collect();
        let bars = paint.tone(
            if name == "v5" {
                Tone::Warn
            } else {
                Tone::Accent
            },
            &bars,
        );
        out.push_str(&format!("  {}{bars} {said}\n", text::pad(name, NAME)));
    }
    let end = format!("{} s", load.lasted.as_secs());
    let axis = format!("0 s{end:>room$}", room = columns.saturating_sub(3));
    out + &format!(
        "  {}{}\n",
        text::pad("", NAME),
        paint.tone(Tone::Faint, &axis)
    )
}

fn bar(count: u64, most: u64) -> char {
    match count {
        0 => ' ',
        count => BARS[((count * 8).div_ceil(most) as usize).clamp(1, 8) - 1],
    }
}

/// A block for each: how it ended and what it took, the cause that was found, its steps.
fn deployments(report: &DemoReport, paint: Paint, width: usize) -> String {
    let mut out = String::new();
    for deployment in &report.deployments {
        let (tone, ended) = outcome(deployment);
        out.push_str(&format!(
            "  {}{}{:>9}\n",
            text::pad(deployment.name, INDENT - 2),
            paint.tone(tone, &text::pad(ended, 16)),
            human::took(deployment.ms()),
        ));
        let lead = " ".repeat(INDENT);
        if let Some(cause) = &deployment.found {
            let cause = printer::plain(&cause.summary);
            out.push_str(&text::hang(&lead, INDENT, &cause, width));
            out.push('\n');
        }
        let steps = text::hang(&lead, INDENT, &steps(deployment), width);
        out.push_str(&paint.tone(Tone::Faint, &steps));
        out.push('\n');
    }
    out
}

fn outcome(deployment: &DemoDeployment) -> (Tone, &'static str) {
    match deployment.outcome {
        Some(Outcome::Succeeded) => (Tone::Good, "✓ succeeded"),
        Some(Outcome::Stopped) => (Tone::Warn, "■ stopped"),
        Some(Outcome::RolledBack) => (Tone::Warn, "↩ rolled back"),
        Some(Outcome::Superseded) | None => (Tone::Bad, "? unknown"),
    }
}

/// Names and times; what belongs together stays on one line.
fn steps(deployment: &DemoDeployment) -> String {
    let steps = deployment.steps.iter().map(|step| {
        let step = format!("{} {}", step.name, human::took(step.ms));
        step.replace(' ', "\u{a0}")
    });
    steps.collect::<Vec<_>>().join("\u{a0}· ")
}

fn verdict(report: &DemoReport, paint: Paint, width: usize) -> String {
    if report.unexpected.is_empty() {
        let mark = paint.tone(Tone::Good, "✓");
        return format!(
            "\n{mark} Five versions, three of them bad, one rollback, and no request lost, on {}",
            paint.tone(Tone::Accent, &report.url),
        );
    }
    let label = paint.tone(Tone::Bad, "✗ This is not what the demo expects:");
    let mut out = format!("\n{label}\n");
    for text in &report.unexpected {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        out.push_str(&text::hang("  - ", 4, first, width));
        out.push('\n');
        for line in lines {
            out.push_str(&format!("      {line}\n"));
        }
    }
    out
}
