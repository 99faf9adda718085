//! What of a Dockerfile matters before BuildKit reads it: which images it starts from.
//!
//! No more is understood than that takes. Where the text leaves it open, as with a variable that
//! only the engine knows, the image is not named; the text itself and all arguments count anyway.

use std::collections::{BTreeMap, BTreeSet};

mod lines;
mod variables;

use lines::{Instruction, instructions};
use variables::expand;

/// What is no image.
const SCRATCH: &str = "scratch";

/// What a Dockerfile is read with.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// Values for `ARG`.
    pub args: &'a BTreeMap<String, String>,
    /// The platform of the image; `None` is that of this machine.
    pub platform: Option<&'a str>,
    /// The stage that becomes the image.
    pub target: Option<&'a str>,
    /// Additional contexts by their names, which go before those of images.
    pub contexts: &'a BTreeMap<String, String>,
}

/// A stage that is asked for and not there; the names of those that are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoStage(pub Vec<String>);

#[derive(Debug)]
struct Stage {
    name: Option<String>,
    /// Stages and images that it takes from, as they are named.
    takes: Vec<Source>,
}

#[derive(Debug)]
enum Source {
    Stage(usize),
    Image(String),
}

/// The images that the target is made from, as they are named, variables replaced. Only stages
/// that the target needs count.
///
/// # Errors
/// When there is no such target.
pub(super) fn base_images(text: &str, with: &Reading<'_>) -> Result<BTreeSet<String>, NoStage> {
    let stages = stages(text, with);
    let Some(last) = stages.len().checked_sub(1) else {
        // BuildKit says it better: such a file has more that is wrong.
        return Ok(BTreeSet::new());
    };
    let target = match with.target {
        None => last,
        Some(name) => find(&stages, name).ok_or_else(|| {
            let names = stages.iter().filter_map(|stage| stage.name.clone());
            NoStage(names.collect())
        })?,
    };
    let mut images = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![target];
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        for source in &stages[at].takes {
            match source {
                Source::Stage(at) => open.push(*at),
                Source::Image(name) => drop(images.insert(name.clone())),
            }
        }
    }
    Ok(images)
}

fn stages(text: &str, with: &Reading<'_>) -> Vec<Stage> {
    let mut variables = variables::of_platform(with.platform);
    let mut stages: Vec<Stage> = Vec::new();
    for instruction in instructions(text) {
        match instruction.keyword.as_str() {
            // Only those before the first stage can be part of a `FROM`.
            "ARG" if stages.is_empty() => {
                variables::declare(&mut variables, &instruction, with.args)
            }
            "FROM" => {
                let stage = stage(&instruction, &stages, &variables, with);
                stages.push(stage);
            }
            _ => {
                let named: Vec<Source> = taken_from(&instruction)
                    .filter_map(|name| source(&name, &stages, with))
                    .collect();
                if let Some(stage) = stages.last_mut() {
                    stage.takes.extend(named);
                }
            }
        }
    }
    stages
}

fn stage(
    from: &Instruction,
    before: &[Stage],
    variables: &BTreeMap<String, String>,
    with: &Reading<'_>,
) -> Stage {
    let words: Vec<&str> = from
        .words()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let name = match words[..] {
        [_, keyword, name] if keyword.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    };
    let image = words.first().and_then(|word| expand(word, variables));
    let takes = image.and_then(|image| source(&image, before, with));
    Stage {
        name,
        takes: takes.into_iter().collect(),
    }
}

/// The names of the flags `--from=NAME` and `--mount=from=NAME`.
fn taken_from(instruction: &Instruction) -> impl Iterator<Item = String> {
    let flags = instruction
        .words()
        .take_while(|word| word.starts_with("--"));
    flags.filter_map(|flag| {
        let unquoted = |name: &str| name.trim_matches(['"', '\'']).to_owned();
        if let Some(name) = flag.strip_prefix("--from=") {
            return Some(unquoted(name));
        }
        let mount = flag.strip_prefix("--mount=")?;
        let mut fields = mount.split(',');
        fields.find_map(|field| field.strip_prefix("from=").map(unquoted))
    })
}

fn source(name: &str, stages: &[Stage], with: &Reading<'_>) -> Option<Source> {
    if name.is_empty() || name == SCRATCH || with.contexts.contains_key(name) || name.contains('$')
    {
        return None;
    }
    Some(match find(stages, name) {
        Some(at) => Source::Stage(at),
        None => Source::Image(name.to_owned()),
    })
}

/// By its name, the last of that name, or by its number, from 0.
fn find(stages: &[Stage], name: &str) -> Option<usize> {
    let is = |stage: &Stage| {
        stage
            .name
            .as_ref()
            .is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    let by_number = || name.parse().ok().filter(|at| *at < stages.len());
    stages.iter().rposition(is).or_else(by_number)
}

#[cfg(test)]
mod tests;
