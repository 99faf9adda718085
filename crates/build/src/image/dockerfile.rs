//! What of a Dockerfile matters before BuildKit reads it: which images it starts from, and which
//! files of its contexts it can see.
//!
//! No more is understood than that takes. Where the text leaves open what it starts from, as with a
//! variable that only the engine knows, the image is not named; the text itself and all arguments
//! count anyway. Where it leaves open what is seen, all of it counts.

use std::collections::{BTreeMap, BTreeSet};

mod copies;
mod lines;
mod variables;
mod words;

use self::copies::{Take, copied, mounted};
use self::lines::Instruction;
use self::variables::{Globals, Scope};
use super::selection::Selection;

/// What is no image.
const SCRATCH: &str = "scratch";
/// The argument that asks for another frontend.
const FRONTEND: &str = "BUILDKIT_SYNTAX";

/// What a Dockerfile is read with.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// Values for `ARG`.
    pub args: &'a BTreeMap<String, String>,
    /// The platform of the image; `None` is that of this machine.
    pub platform: Option<&'a str>,
    /// The stage that becomes the image.
    pub target: Option<&'a str>,
    /// Additional contexts by their names, which go before those of stages and images.
    pub contexts: &'a BTreeMap<String, String>,
    /// Variables that base images set, which go before `ARG`.
    pub of_images: &'a BTreeSet<String>,
}

/// What the target is made from. Only stages that it needs count.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Images as they are named, variables replaced.
    pub images: BTreeSet<String>,
    /// What it can see of the contexts.
    pub seen: Seen,
}

/// What a build can see of its contexts.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Whether it may see more than is said here.
    pub is_open: bool,
    /// Of the build's own context.
    pub own: Vec<Selection>,
    /// Of additional contexts, by their names.
    pub additional: BTreeMap<String, Vec<Selection>>,
}

/// A stage that is asked for and not there; the names of those that are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoStage(pub Vec<String>);

#[derive(Debug)]
struct Stage {
    name: Option<String>,
    base: Base,
    takes: Vec<Take>,
    /// Whether it may take more.
    is_open: bool,
    scope: Scope,
}

/// What a stage starts from.
#[derive(Debug)]
enum Base {
    Stage(usize),
    /// A context or an image.
    Named(String),
    Unknown,
}

/// What the target is made from.
///
/// # Errors
/// When there is no such target.
pub(super) fn read(text: &str, with: &Reading<'_>) -> Result<Needs, NoStage> {
    let frontend = with.args.get(FRONTEND).map(String::as_str);
    let text = lines::read(text, frontend);
    let header = text.instructions.iter();
    let header = header.take_while(|instruction| instruction.keyword != "FROM");
    let (header, rest) = text.instructions.split_at(header.count());
    let is_header = header.iter().all(|first| first.keyword == "ARG");
    let stages = stages_of(header, rest, with);
    let mut needs = Needs::default();
    needs.seen.is_open = !text.is_certain || !is_header;
    let Some(last) = stages.len().checked_sub(1) else {
        // BuildKit says it better: such a file has more that is wrong.
        needs.seen.is_open = true;
        return Ok(needs);
    };
    let target = match with.target {
        None => last,
        Some(name) => named(&stages, name)
            .or_else(|| numbered(&stages, name))
            .ok_or_else(|| {
                let names = stages.iter().filter_map(|stage| stage.name.clone());
                NoStage(names.collect())
            })?,
    };
    let mut walk = Walk {
        stages: &stages,
        contexts: with.contexts,
        open: vec![target],
        needs,
    };
    walk.run();
    Ok(walk.needs)
}

/// From the target to all that it needs.
struct Walk<'a> {
    stages: &'a [Stage],
    contexts: &'a BTreeMap<String, String>,
    open: Vec<usize>,
    needs: Needs,
}

impl Walk<'_> {
    fn run(&mut self) {
        let mut seen = BTreeSet::new();
        while let Some(at) = self.open.pop() {
            if !seen.insert(at) {
                continue;
            }
            let stage = &self.stages[at];
            self.needs.seen.is_open |= stage.is_open;
            // One of that name takes the place of the stage.
            let replaced = stage.name.as_ref().and_then(|name| self.context(name));
            if let Some(context) = replaced {
                self.see(context, [Selection::whole()]);
            }
            match &stage.base {
                Base::Stage(at) => self.open.push(*at),
                // Not a stage that comes later: `FROM node AS node` is no circle.
                Base::Named(name) => self.take_from_outside(name, &[Selection::whole()]),
                Base::Unknown => self.needs.seen.is_open = true,
            }
            for take in &stage.takes {
                match &take.from {
                    None => self.needs.seen.own.extend(take.files.iter().cloned()),
                    Some(name) => self.take(name, &take.files),
                }
            }
        }
    }

    fn take(&mut self, name: &str, files: &[Selection]) {
        let stage = numbered(self.stages, name).or_else(|| {
            let is_context = self.context(name).is_some();
            named(self.stages, name).filter(|_| !is_context)
        });
        match stage {
            Some(at) => self.open.push(at),
            None => self.take_from_outside(name, files),
        }
    }

    /// From an additional context or an image.
    fn take_from_outside(&mut self, name: &str, files: &[Selection]) {
        if let Some(context) = self.context(name) {
            self.see(context, files.iter().cloned());
        } else if name != SCRATCH {
            self.needs.images.insert(name.to_owned());
        }
    }

    fn see(&mut self, context: String, files: impl IntoIterator<Item = Selection>) {
        let of_context = self.needs.seen.additional.entry(context);
        of_context.or_default().extend(files);
    }

    /// The additional context of this name, by which images of Docker Hub may be called in full.
    fn context(&self, name: &str) -> Option<String> {
        let short = name.strip_prefix("docker.io/").unwrap_or(name);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let short = short.strip_suffix(":latest").unwrap_or(short);
        let known = [name, short].into_iter();
        let mut known = known.filter(|name| self.contexts.contains_key(*name));
        known.next().map(str::to_owned)
    }
}

/// `header` is what goes before the first `FROM`.
fn stages_of(header: &[Instruction], rest: &[Instruction], with: &Reading<'_>) -> Vec<Stage> {
    let mut globals = Globals::new(with.platform, with.args, with.of_images);
    for arg in header.iter().filter(|first| first.keyword == "ARG") {
        globals.declare(arg);
    }
    let mut stages: Vec<Stage> = Vec::new();
    for instruction in rest {
        match stages.last_mut() {
            Some(stage) if instruction.keyword != "FROM" => stage.carry_out(instruction, &globals),
            _ => {
                let stage = stage(instruction, &stages, &globals, with);
                stages.push(stage);
            }
        }
    }
    stages
}

fn stage(from: &Instruction, before: &[Stage], globals: &Globals<'_>, with: &Reading<'_>) -> Stage {
    let words: Vec<&str> = from
        .words()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let name = match words[..] {
        [_, keyword, name] if keyword.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    };
    let image = words.first().and_then(|word| globals.expand(word));
    let base = match image.filter(|image| !image.is_empty()) {
        None => Base::Unknown,
        Some(image) => match named(before, &image) {
            Some(at) if !with.contexts.contains_key(&image) => Base::Stage(at),
            _ => Base::Named(image),
        },
    };
    let scope = match &base {
        Base::Stage(at) => before[*at].scope.child(),
        Base::Named(_) | Base::Unknown => Scope::default(),
    };
    Stage {
        name,
        base,
        takes: Vec::new(),
        is_open: false,
        scope,
    }
}

impl Stage {
    fn carry_out(&mut self, instruction: &Instruction, globals: &Globals<'_>) {
        match instruction.keyword.as_str() {
            "ARG" => self.scope.declare(instruction, globals),
            "ENV" => self.scope.set(instruction),
            "COPY" | "ADD" => match copied(instruction, &self.scope) {
                Some(take) => self.takes.push(take),
                None => self.is_open = true,
            },
            "RUN" => match mounted(instruction, &self.scope) {
                Some(takes) => self.takes.extend(takes),
                None => self.is_open = true,
            },
            "CMD" | "ENTRYPOINT" | "EXPOSE" | "HEALTHCHECK" | "LABEL" | "MAINTAINER" | "SHELL"
            | "STOPSIGNAL" | "USER" | "VOLUME" | "WORKDIR" => {}
            // Instructions for stages that start from this one, and those that are not known.
            _ => self.is_open = true,
        }
    }
}

/// The last stage of this name.
fn named(stages: &[Stage], name: &str) -> Option<usize> {
    let is = |stage: &Stage| {
        let known = stage.name.as_ref();
        known.is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    stages.iter().rposition(is)
}

/// The stage of this number, from 0.
fn numbered(stages: &[Stage], number: &str) -> Option<usize> {
    number.parse().ok().filter(|at| *at < stages.len())
}

#[cfg(test)]
mod tests;
