//! Why a build could not be made, said so that its owner can act on it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_content::ContentError;

/// A failure of a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The system refused an operation.
    #[error("{operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The source tree cannot be walked.
    #[error("walk {}", path.display())]
    Walk {
        /// From where.
        path: PathBuf,
        /// What went wrong.
        source: ignore::Error,
    },
    /// A glob cannot be read.
    #[error("read the input glob {glob:?}")]
    BadGlob {
        /// As written.
        glob: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// An input or output lies outside the source tree by its name.
    #[error("{0:?} is not a path inside the source tree")]
    OutsidePath(String),
    /// A declared input is not there, so changes of it would go unnoticed.
    #[error("the input {0:?} matches no file; correct it or remove it")]
    NoInput(String),
    /// The command has no program in it.
    #[error("the build command is empty")]
    NoCommand,
    /// The command could not be started.
    #[error("start {program:?} in {}", root.display())]
    NotStarted {
        /// The program.
        program: String,
        /// Where.
        root: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The command ended badly.
    #[error("the build command {command:?} {ended}")]
    Failed {
        /// As the user wrote it.
        command: String,
        /// How it ended.
        ended: Ended,
        /// The last lines that it wrote.
        tail: Vec<String>,
    },
    /// The command took too long; it and its children were killed.
    #[error("the build command {command:?} did not end within {}", Seconds(*after))]
    TimedOut {
        /// As the user wrote it.
        command: String,
        /// How long it had.
        after: Duration,
        /// The last lines that it wrote.
        tail: Vec<String>,
    },
    /// An output is not there.
    #[error("{} {from:?}{}", Maker(*built), Nearest(nearest.as_deref(), holds))]
    NoOutput {
        /// As written.
        from: String,
        /// Whether a command should have made it.
        built: bool,
        /// The deepest directory on its way that exists, relative to the source tree; `None` when
        /// that is the source tree itself.
        nearest: Option<PathBuf>,
        /// Some of what is there instead.
        holds: Vec<String>,
    },
    /// An output is a directory with nothing in it, or everything in it is left out.
    #[error("the output {from:?} is empty")]
    EmptyOutput {
        /// As written.
        from: String,
    },
    /// An output is a link to outside the source tree.
    #[error("the output {from:?} leads to {}, outside the source tree", real.display())]
    OutsideOutput {
        /// As written.
        from: String,
        /// Where it leads.
        real: PathBuf,
    },
    /// The content store would not take the outputs.
    #[error("take the outputs into the content store")]
    Content(#[from] ContentError),
}

/// How a command ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(127) => f.write_str("exited with code 127: a command was not found"),
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(9) => {
                f.write_str("was killed by signal 9: by the kernel for its memory, or by someone")
            }
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

impl BuildError {
    /// Whether it happened because no space (or quota) is left where Landfall writes.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Content(error) => error.is_disk_full(),
            Self::Io { source, .. } => landfall_content::is_disk_full(source),
            _ => false,
        }
    }

    /// The last lines that the command wrote; empty when it is not to blame.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Failed { tail, .. } | Self::TimedOut { tail, .. } => tail,
            _ => &[],
        }
    }
}

/// Who should have made an output.
struct Maker(bool);

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 {
            "the build did not make"
        } else {
            "the source tree has no"
        })
    }
}

/// What is there in an output's place.
struct Nearest<'a>(Option<&'a Path>, &'a [String]);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.0 {
            Some(path) => format!("{:?}", path.display().to_string()),
            None => "the source tree".to_owned(),
        };
        if self.1.is_empty() {
            write!(f, "; {place} is empty")
        } else {
            write!(f, "; {place} holds {}", self.1.join(", "))
        }
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}

/// Attaches operation and path to what the system said.
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, BuildError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T, BuildError> {
        self.map_err(|source| BuildError::Io {
            operation,
            path: path.to_owned(),
            source,
        })
    }
}
