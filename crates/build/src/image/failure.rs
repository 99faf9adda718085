//! What BuildKit's words for a failure mean.

use std::sync::LazyLock;

use regex::Regex;
use tonic::{Code, Status};

use super::error::ImageBuildError;
use super::trace::{FailedStep, Trace};

/// The step in which an image's name is looked up.
const LOOK_UP: &str = "[internal] load metadata for ";
/// What BuildKit puts before the words that matter, in its several versions.
const PREFIXES: [&str; 5] = [
    "failed to solve with frontend dockerfile.v0: ",
    "failed to solve: ",
    "failed to build LLB: ",
    "failed to create LLB definition: ",
    "failed to read dockerfile: ",
];

/// How it ends for a command that ran.
static EXIT_CODE: LazyLock<Regex> = LazyLock::new(|| expression(r"exit code: (\d+)"));
/// A file that a `COPY` names, as Docker 20.10 and as later ones say it.
static NO_FILE: LazyLock<Regex> =
    LazyLock::new(|| expression(r#"compute cache key: .*?"([^"]*)":? not found"#));

fn expression(text: &str) -> Regex {
    Regex::new(text).expect("a regular expression that tests have compiled")
}

/// What a failed build means, by what its steps said and by how the request ended.
pub(super) fn explain(status: &Status, trace: &Trace) -> ImageBuildError {
    if is_lost(status) {
        let source = Box::new(status.clone());
        return ImageBuildError::EngineLost { source };
    }
    match trace.failed_step() {
        Some(step) => explain_step(step, status),
        None => ImageBuildError::Failed {
            message: essence(status.message()),
            tail: Vec::new(),
        },
    }
}

/// Whether the connection broke, rather than the build.
fn is_lost(status: &Status) -> bool {
    status.code() == Code::Unavailable || std::error::Error::source(status).is_some()
}

fn explain_step(step: FailedStep, status: &Status) -> ImageBuildError {
    let FailedStep { name, error, tail } = step;
    if let Some(image) = name.strip_prefix(LOOK_UP) {
        return ImageBuildError::NoBase {
            image: image.to_owned(),
            message: essence(&error),
        };
    }
    // Its own words may be less than those for the whole.
    for said in [error.as_str(), status.message()] {
        if let Some(found) = NO_FILE.captures(said) {
            return ImageBuildError::NoFile {
                step: name,
                path: found[1].to_owned(),
            };
        }
    }
    if name.starts_with("[internal]") {
        let message = essence(&error);
        return ImageBuildError::Failed { message, tail };
    }
    let code = EXIT_CODE.captures(&error);
    ImageBuildError::StepFailed {
        code: code.and_then(|found| found[1].parse().ok()),
        step: name,
        message: essence(&error),
        tail,
    }
}

/// Without what BuildKit puts before every failure.
fn essence(message: &str) -> String {
    let mut rest = message;
    while let Some(less) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = less;
    }
    rest.trim().to_owned()
}
