//! Running commands one after the other, and the account of them at the end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
}

/// The directory of the binaries that cargo builds for this run: where this program lies.
///
/// # Errors
/// When the system does not tell.
pub fn bins() -> Result<PathBuf> {
    let program = std::env::current_exe().context("failed to find this program")?;
    let dir = program
        .parent()
        .context("this program is in no directory")?;
    Ok(dir.to_owned())
}

/// A `cargo` command in the checkout.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Whether a program can be run and says so.
pub fn works(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> bool {
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Runs a command that has to succeed before anything else makes sense.
///
/// # Errors
/// When it does not.
pub fn must(mut command: Command) -> Result<()> {
    let line = line(&command);
    let status = prepare(&mut command)
        .status()
        .with_context(|| format!("failed to start {line}"))?;
    if !status.success() {
        bail!("{line} ended with {status}");
    }
    Ok(())
}

fn prepare(command: &mut Command) -> &mut Command {
    command.current_dir(root()).stdin(Stdio::null())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Steps that all run, whatever becomes of those before them, so that one look shows everything
/// that is wrong.
#[derive(Default)]
pub struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: &'static str,
    ok: bool,
    took: Duration,
}

impl Steps {
    /// Runs one.
    pub fn run(&mut self, name: &'static str, mut command: Command) -> &mut Self {
        eprintln!("\n==> {name}: {}", line(&command));
        let began = Instant::now();
        let ok = match prepare(&mut command).status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("failed to start: {error}");
                false
            }
        };
        self.done.push(Step {
            name,
            ok,
            took: began.elapsed(),
        });
        self
    }

    /// Prints the account; true when all went well.
    pub fn finish(&self) -> bool {
        eprintln!();
        for Step { name, ok, took } in &self.done {
            let word = if *ok { "ok" } else { "FAILED" };
            eprintln!("{word:>6}  {name} ({:.0} s)", took.as_secs_f64());
        }
        self.done.iter().all(|step| step.ok)
    }
}
