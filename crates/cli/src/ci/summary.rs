//! The summary of a step as Markdown, and its outputs.

use std::fmt::Write;

use landfall_agent::api::types::StepState;
use landfall_model::Cause;
use landfall_model::release::SourceInfo;
use landfall_model::rollout::Outcome;

use super::Record;
use crate::command_error::{CommandError, CommandResult};
use crate::deployment::DeploymentResult;
use crate::printer::{self, human};

/// Lines of evidence.
const EVIDENCE: usize = 40;

/// What was done, for people.
pub(super) fn markdown(record: &Record, done: &CommandResult) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, record, done);
    text
}

/// What was done, for the steps after this one.
pub(super) fn outputs(record: &Record, done: &CommandResult) -> Vec<(&'static str, String)> {
    let result = record.result.as_ref();
    let number = |number: Option<String>| number.unwrap_or_default();
    let url = result.and_then(|result| result.urls.first().cloned());
    vec![
        ("outcome", outcome(record, done).to_owned()),
        (
            "deployment",
            number(result.and_then(|r| r.deployment).map(|id| id.to_string())),
        ),
        (
            "release",
            number(
                result
                    .and_then(|r| r.live.or(r.release))
                    .map(|r| r.to_string()),
            ),
        ),
        ("url", url.unwrap_or_default()),
    ]
}

/// One word: `succeeded`, `unchanged`, `stopped`, `rolled_back`, `superseded`, `detached`,
/// `planned` or `failed`.
fn outcome(record: &Record, done: &CommandResult) -> &'static str {
    match (&record.result, done) {
        (_, Err(_)) => "failed",
        (None, Ok(_)) => "planned",
        (Some(result), Ok(_)) => match result.outcome {
            Some(Outcome::Succeeded) if result.deployment.is_none() => "unchanged",
            Some(Outcome::Succeeded) => "succeeded",
            Some(Outcome::Stopped) => "stopped",
            Some(Outcome::RolledBack) => "rolled_back",
            Some(Outcome::Superseded) => "superseded",
            None => "detached",
        },
    }
}

fn write(text: &mut String, record: &Record, done: &CommandResult) -> std::fmt::Result {
    let target = record.target.as_deref().unwrap_or("the app");
    let (mark, what) = match outcome(record, done) {
        "succeeded" => ("✅", format!("Deployed {target}")),
        "unchanged" => ("✅", format!("Nothing to deploy of {target}")),
        "planned" => ("📋", format!("The plan of {target}")),
        "rolled_back" => ("❌", format!("Deployed {target} and went back")),
        "detached" => ("⚠️", format!("Let go of the deployment of {target}")),
        _ => ("❌", format!("Did not deploy {target}")),
    };
    writeln!(text, "### {mark} {}\n", cell(&what))?;
    write_facts(text, record)?;
    if let Some(cancelled) = &record.cancelled {
        writeln!(text, "> {}\n", cell(cancelled))?;
    }
    match done {
        Err(error) => write_error(text, error)?,
        Ok(_) => {
            if let Some(cause) = record.result.as_ref().and_then(|r| r.cause.as_ref()) {
                write_cause(text, cause)?;
            }
        }
    }
    write_steps(text, record)?;
    if let (Some(plan), "planned") = (&record.plan, outcome(record, done)) {
        write_block(text, plan.lines())?;
    }
    Ok(())
}

fn write_facts(text: &mut String, record: &Record) -> std::fmt::Result {
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(result) = &record.result {
        facts.extend(of_result(result));
    }
    facts.extend(record.server.clone().map(|server| ("Server", server)));
    facts.extend(of_source(&record.source));
    if facts.is_empty() {
        return Ok(());
    }
    writeln!(text, "| | |\n|---|---|")?;
    for (name, value) in facts {
        writeln!(text, "| {name} | {} |", cell(&value))?;
    }
    writeln!(text)
}

fn of_result(result: &DeploymentResult) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(
        result
            .release
            .map(|release| ("Release", release.to_string())),
    );
    let differs = result.live != result.release;
    facts.extend(
        result
            .live
            .filter(|_| differs)
            .map(|live| ("Live now", live.to_string())),
    );
    facts.extend(result.deployment.map(|id| ("Deployment", id.to_string())));
    if !result.steps.is_empty() {
        facts.push(("Took", human::took(result.ms())));
    }
    facts.extend(result.urls.iter().map(|url| ("Address", url.clone())));
    facts
}

fn of_source(source: &SourceInfo) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(commit) = &source.commit {
        let short = commit.get(..12).unwrap_or(commit);
        let subject = source.subject.as_deref().unwrap_or_default();
        let dirty = if source.dirty {
            " (and changes that it does not hold)"
        } else {
            ""
        };
        facts.push(("Commit", format!("{short} {subject}{dirty}")));
    }
    facts.extend(source.branch.clone().map(|branch| ("Branch", branch)));
    facts.extend(source.author.clone().map(|author| ("Author", author)));
    facts
}

fn write_error(text: &mut String, error: &CommandError) -> std::fmt::Result {
    writeln!(text, "**Why:** {}\n", cell(error.message()))?;
    let (causes, hints) = error.causes_and_hints();
    for cause in causes {
        writeln!(text, "- {}", cell(cause))?;
    }
    for diagnostic in error
        .data("diagnostics")
        .and_then(|all| all.as_array())
        .into_iter()
        .flatten()
    {
        let label = &diagnostic["labels"][0];
        let message = diagnostic["message"].as_str().unwrap_or_default();
        let file = label["file"].as_str().unwrap_or_default();
        writeln!(
            text,
            "- {} ({} line {})",
            cell(message),
            cell(file),
            label["line"]
        )?;
    }
    for hint in hints {
        writeln!(text, "\n**To do:** {}", cell(hint))?;
    }
    writeln!(text)?;
    let cause = error.data("cause").cloned();
    match cause.and_then(|cause| serde_json::from_value(cause).ok()) {
        Some(cause) => write_cause(text, &cause),
        None => Ok(()),
    }
}

fn write_cause(text: &mut String, cause: &Cause) -> std::fmt::Result {
    writeln!(text, "**Why:** {} `{}`\n", cell(&cause.summary), cause.kind)?;
    if !cause.evidence.is_empty() {
        let lines = cause.evidence.iter().flat_map(|text| text.lines());
        write_block(text, lines.take(EVIDENCE))?;
    }
    match &cause.fix {
        Some(fix) => writeln!(text, "**To do:** {}\n", cell(fix)),
        None => Ok(()),
    }
}

/// An indented block, which nothing in it can end.
fn write_block<'a>(text: &mut String, lines: impl Iterator<Item = &'a str>) -> std::fmt::Result {
    for line in lines {
        writeln!(text, "    {}", printer::plain(line))?;
    }
    writeln!(text)
}

fn write_steps(text: &mut String, record: &Record) -> std::fmt::Result {
    let here = record.steps.iter().map(|step| {
        let (name, ms) = (step.name.to_owned(), Some(step.ms));
        (name, step.state, ms, step.summary.as_str())
    });
    let there = record
        .result
        .iter()
        .flat_map(|result| &result.steps)
        .map(|step| {
            let summary = step.summary.as_deref().unwrap_or_default();
            (step.name.to_string(), step.state, step.ms, summary)
        });
    let mut steps = here.chain(there).peekable();
    if steps.peek().is_none() {
        return Ok(());
    }
    writeln!(text, "| | Step | Time | |\n|---|---|---:|---|")?;
    for (name, state, ms, summary) in steps {
        let mark = match state {
            StepState::Done => "✓",
            StepState::Failed => "✗",
            StepState::Undone => "↩",
            StepState::Running => "…",
        };
        let time = ms.map(human::took).unwrap_or_default();
        writeln!(text, "| {mark} | {name} | {time} | {} |", cell(summary))?;
    }
    writeln!(text)
}

/// Text of others as a part of a line of Markdown: it makes no table, no link and no HTML.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for c in printer::plain(&text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '~' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g5_what_a_commit_says_is_text_in_the_summary_and_nothing_else() {
        let said = "fix |\n<img src=x> [a](http://b) `c` ![d](e)\u{1b}[31m";
        assert_eq!(
            cell(said),
            "fix \\| &lt;img src=x&gt; \\[a\\](http://b) \\`c\\` \\!\\[d\\](e)"
        );
    }
}
