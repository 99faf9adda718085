//! Why an image could not be built, said so that its owner can act on it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::BuildError;

/// A failure of the build of an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageBuildError {
    /// Reading the source tree failed.
    #[error(transparent)]
    Sources(#[from] BuildError),
    /// A context is not there.
    #[error("there is no directory {} for the build context{}", path.display(), Named(name.as_deref()))]
    NoContext {
        /// The name of an additional context; `None` for the build's own.
        name: Option<String>,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The Dockerfile is not there.
    #[error("there is no Dockerfile at {}", path.display())]
    NoDockerfile {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The Dockerfile has no such stage.
    #[error("the Dockerfile has no stage {target:?}{}", Stages(stages))]
    NoStage {
        /// As asked for.
        target: String,
        /// The names of those that it has.
        stages: Vec<String>,
    },
    /// A pattern of an ignore file cannot be read.
    #[error("{}: the pattern {pattern:?} cannot be read", path.display())]
    BadIgnore {
        /// The file.
        path: PathBuf,
        /// As written.
        pattern: String,
    },
    /// BuildKit knows paths as UTF-8 only.
    #[error("the name of {} is not UTF-8; rename it, or exclude it in .dockerignore", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// A secret has no value.
    #[error("the build secret {id:?} is to come from {from}, which is not there")]
    NoSecret {
        /// Its id.
        id: String,
        /// The file or variable.
        from: String,
    },
    /// The engine is too old for something, and would leave it out without a word.
    #[error("{what} of a build needs Docker 23 or newer, and the engine's API is {api}")]
    TooOld {
        /// What it does not have.
        what: &'static str,
        /// The API that it speaks.
        api: String,
    },
    /// Nobody answers at the engine's socket.
    #[error("the Docker engine does not answer at {}; {fix}", socket.display())]
    EngineDown {
        /// Where it should.
        socket: PathBuf,
        /// What to do about it.
        fix: &'static str,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine ended, or let go of the build.
    #[error("the Docker engine went away during the build")]
    EngineLost {
        /// What was seen of it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine refused something.
    #[error("the Docker engine would not {operation}: {message}")]
    Engine {
        /// What it was asked.
        operation: &'static str,
        /// What it said.
        message: String,
    },
    /// A step ran and failed.
    #[error("the step {step:?} {}", Ended(*code))]
    StepFailed {
        /// The step, as BuildKit names it: `[build 2/4] RUN npm ci`.
        step: String,
        /// The code with which its command ended; `None` where it did not end by itself.
        code: Option<i32>,
        /// What the engine said.
        message: String,
        /// The last lines that it wrote.
        tail: Vec<String>,
    },
    /// A step copies what is not there.
    #[error(
        "the step {step:?} needs {path:?}, which the build context does not have; is it misspelt, or excluded by .dockerignore?"
    )]
    NoFile {
        /// The step.
        step: String,
        /// What it looked for.
        path: String,
    },
    /// A base image is neither on the machine nor to be had.
    #[error("the base image {image:?} is not on this machine, and cannot be fetched: {message}")]
    NoBase {
        /// As the Dockerfile names it.
        image: String,
        /// What the engine said.
        message: String,
    },
    /// The build failed in another way: the Dockerfile cannot be read, for one.
    #[error("build the image: {message}")]
    Failed {
        /// What the engine said.
        message: String,
        /// The last lines that the failed step wrote.
        tail: Vec<String>,
    },
    /// It took too long, and was ended.
    #[error("the build of the image did not end within {} s", after.as_secs_f64())]
    TimedOut {
        /// How long it had.
        after: Duration,
        /// The last lines that its steps wrote.
        tail: Vec<String>,
    },
}

impl ImageBuildError {
    /// The last lines that the failed step wrote; empty when none is to blame.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::StepFailed { tail, .. }
            | Self::Failed { tail, .. }
            | Self::TimedOut { tail, .. } => tail,
            _ => &[],
        }
    }

    /// Whether it happened because no space is left, here or where the engine writes.
    pub fn is_disk_full(&self) -> bool {
        const NO_SPACE: &str = "no space left on device";
        match self {
            Self::Sources(error) => error.is_disk_full(),
            Self::Engine { message, .. }
            | Self::StepFailed { message, .. }
            | Self::Failed { message, .. } => message.contains(NO_SPACE),
            _ => false,
        }
    }
}

/// Which context is meant.
struct Named<'a>(Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " {name:?}"))
    }
}

/// What there is instead.
struct Stages<'a>(&'a [String]);

impl fmt::Display for Stages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("; none of its stages has a name"),
            false => write!(f, "; it has {}", self.0.join(", ")),
        }
    }
}

/// How the command of a step ended.
struct Ended(Option<i32>);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(127) => f.write_str("ended with code 127: a command was not found"),
            Some(137) => f.write_str(
                "ended with code 137: it was killed, by the kernel for its memory or by someone",
            ),
            Some(code) => write!(f, "ended with code {code}"),
            None => f.write_str("failed"),
        }
    }
}
