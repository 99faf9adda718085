//! A command whose output is read while it goes on.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use landfall_testkit::{Project, Sandbox, wait_for};

/// A command of `landfall` that was started.
pub struct Watched {
    child: Child,
    out: BufReader<ChildStdout>,
    said: String,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Watched {
    /// Starts it in a project.
    pub fn start(sandbox: &Sandbox, project: &Project<'_>, args: &[&str]) -> Self {
        let mut command = sandbox.command(args);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped
            .current_dir(project.dir())
            .spawn()
            .expect("landfall starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let said = String::new();
        Self { child, out, said }
    }

    /// Waits until it has printed this.
    #[track_caller]
    pub fn until(&mut self, text: &str) {
        while !self.said.contains(text) {
            let read = self.out.read_line(&mut self.said).expect("its output");
            assert_ne!(read, 0, "no {text:?} in {}", self.said);
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self, within: Duration) -> Ended {
        let status = wait_for(within, "the end of the command", || {
            self.child.try_wait().expect("a child can be waited for")
        });
        let mut stdout = self.said;
        self.out.read_to_string(&mut stdout).expect("its output");
        let mut stderr = String::new();
        let err = self.child.stderr.take();
        let read = err.expect("its errors").read_to_string(&mut stderr);
        read.expect("its errors");
        let code = status.code();
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}
