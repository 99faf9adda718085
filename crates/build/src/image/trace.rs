//! From what BuildKit tells of a build to what we tell of it.

use std::collections::BTreeMap;

use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog};

use super::progress::{BuildProgress, Step};
use crate::lines::{Line, OutputLine, Stream, Tail};

/// What BuildKit calls a step's standard error.
const STDERR: i64 = 2;
/// How BuildKit says that a step was ended because another one failed.
const ENDED_BY_OTHERS: &str = "context canceled";

/// A build, as far as BuildKit has told of it.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// By BuildKit's own name of each.
    steps: BTreeMap<String, Told>,
    /// The one that wrote last.
    last: Option<String>,
}

/// A step and what was told of it.
#[derive(Debug)]
struct Told {
    step: Step,
    state: State,
    error: String,
    /// What is read of a line of each stream: standard output, standard error.
    lines: [Line; 2],
    tail: Tail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Running,
    Cached,
    Done,
    Failed,
}

/// The step to which a build owes its failure.
#[derive(Debug)]
pub(super) struct FailedStep {
    /// As BuildKit names it.
    pub name: String,
    /// What BuildKit says of it.
    pub error: String,
    /// The last lines that it wrote.
    pub tail: Vec<String>,
}

impl Trace {
    /// Takes in what BuildKit told; what is new about it. Of a step that starts, writes and ends
    /// between two tellings it is all told at once.
    pub fn take_in(&mut self, told: StatusResponse) -> Vec<BuildProgress> {
        let mut news = Vec::new();
        for vertex in &told.vertexes {
            self.take_in_start(vertex, &mut news);
        }
        for log in told.logs {
            self.take_in_log(log, &mut news);
        }
        for vertex in told.vertexes {
            self.take_in_end(vertex, &mut news);
        }
        news
    }

    /// The lines that nothing ended.
    pub fn finish(&mut self) -> Vec<BuildProgress> {
        let mut news = Vec::new();
        for told in self.steps.values_mut() {
            told.end_lines(&mut news);
        }
        news
    }

    /// The step to which a failure is owed.
    pub fn failed_step(&self) -> Option<FailedStep> {
        let failed = |told: &&Told| told.state == State::Failed;
        let at_fault = |told: &&Told| !told.error.contains(ENDED_BY_OTHERS);
        let told = self.steps.values().filter(failed).find(at_fault)?;
        Some(FailedStep {
            name: told.step.name.clone(),
            error: told.error.clone(),
            tail: told.tail.take(),
        })
    }

    /// The last lines of the step that wrote last.
    pub fn last_lines(&self) -> Vec<String> {
        let told = self.last.as_ref().and_then(|id| self.steps.get(id));
        told.map(|told| told.tail.take()).unwrap_or_default()
    }

    fn take_in_start(&mut self, vertex: &Vertex, news: &mut Vec<BuildProgress>) {
        let number = self.steps.len() + 1;
        let told = self
            .steps
            .entry(vertex.digest.clone())
            .or_insert_with(|| Told::new(number, vertex.name.clone()));
        let runs = vertex.started.is_some() && !vertex.cached;
        if runs && told.state == State::Known {
            told.state = State::Running;
            news.push(BuildProgress::StepStarted(told.step.clone()));
        }
    }

    fn take_in_end(&mut self, vertex: Vertex, news: &mut Vec<BuildProgress>) {
        let Some(told) = self.steps.get_mut(&vertex.digest) else {
            return;
        };
        let state = match vertex.completed {
            None => return,
            Some(_) if !vertex.error.is_empty() => State::Failed,
            Some(_) if vertex.cached => State::Cached,
            Some(_) => State::Done,
        };
        if state == told.state {
            return;
        }
        told.state = state;
        told.error = vertex.error;
        told.end_lines(news);
        let step = told.step.clone();
        news.push(match state {
            State::Cached => BuildProgress::StepCached(step),
            State::Failed => BuildProgress::StepFailed(step),
            _ => BuildProgress::StepDone(step),
        });
    }

    fn take_in_log(&mut self, log: VertexLog, news: &mut Vec<BuildProgress>) {
        // Of a step that nobody named there is nothing to tell.
        let Some(told) = self.steps.get_mut(&log.vertex) else {
            return;
        };
        self.last = Some(log.vertex);
        let stream = match log.stream {
            STDERR => Stream::Stderr,
            _ => Stream::Stdout,
        };
        let mut pieces = log.msg.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            told.line(stream).push(piece);
            if pieces.peek().is_some() {
                told.end_line(stream, news);
            }
        }
    }
}

impl Told {
    fn new(number: usize, name: String) -> Self {
        Self {
            step: Step { number, name },
            state: State::Known,
            error: String::new(),
            lines: Default::default(),
            tail: Tail::default(),
        }
    }

    fn line(&mut self, stream: Stream) -> &mut Line {
        match stream {
            Stream::Stdout => &mut self.lines[0],
            Stream::Stderr => &mut self.lines[1],
        }
    }

    fn end_line(&mut self, stream: Stream, news: &mut Vec<BuildProgress>) {
        let line = std::mem::take(self.line(stream)).finish();
        let line = OutputLine { stream, line };
        self.tail.push(line.clone());
        news.push(BuildProgress::Line(self.step.clone(), line));
    }

    fn end_lines(&mut self, news: &mut Vec<BuildProgress>) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if self.line(stream).begun {
                self.end_line(stream, news);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard_buildkit_proto::google::protobuf::Timestamp;

    fn vertex(digest: &str, started: bool, completed: bool) -> Vertex {
        let time = |is: bool| is.then(Timestamp::default);
        Vertex {
            digest: digest.to_owned(),
            name: format!("step {digest}"),
            started: time(started),
            completed: time(completed),
            ..Vertex::default()
        }
    }

    fn steps(vertexes: Vec<Vertex>) -> StatusResponse {
        StatusResponse {
            vertexes,
            ..StatusResponse::default()
        }
    }

    fn log(digest: &str, stream: i64, text: &str) -> StatusResponse {
        let log = VertexLog {
            vertex: digest.to_owned(),
            stream,
            msg: text.into(),
            ..VertexLog::default()
        };
        StatusResponse {
            logs: vec![log],
            ..StatusResponse::default()
        }
    }

    fn told(news: &[BuildProgress]) -> Vec<String> {
        let each = news.iter().map(|news| match news {
            BuildProgress::StepStarted(step) => format!("{} started", step.number),
            BuildProgress::StepCached(step) => format!("{} cached", step.number),
            BuildProgress::StepDone(step) => format!("{} done", step.number),
            BuildProgress::StepFailed(step) => format!("{} failed", step.number),
            BuildProgress::Line(step, line) => format!("{} {}", step.number, line.line),
        });
        each.collect()
    }

    #[test]
    fn each_change_of_a_step_is_told_once() {
        let mut trace = Trace::default();
        let known = steps(vec![vertex("a", false, false), vertex("b", false, false)]);
        assert_eq!(told(&trace.take_in(known)), [""; 0]);
        let running = steps(vec![vertex("b", true, false)]);
        assert_eq!(told(&trace.take_in(running.clone())), ["2 started"]);
        assert_eq!(told(&trace.take_in(running)), [""; 0]);
        let cached = Vertex {
            cached: true,
            ..vertex("a", true, true)
        };
        let ended = steps(vec![cached, vertex("b", true, true)]);
        assert_eq!(told(&trace.take_in(ended)), ["1 cached", "2 done"]);
    }

    #[test]
    fn a_step_that_ends_before_its_start_was_told_is_told_whole() {
        let mut trace = Trace::default();
        let at_once = StatusResponse {
            vertexes: vec![vertex("a", true, true)],
            ..log("a", 1, "line\n")
        };
        assert_eq!(
            told(&trace.take_in(at_once)),
            ["1 started", "1 line", "1 done"]
        );
    }

    #[test]
    fn lines_are_put_together_by_step_and_stream() {
        let mut trace = Trace::default();
        trace.take_in(steps(vec![vertex("a", true, false)]));
        assert_eq!(told(&trace.take_in(log("a", 1, "one\ntw"))), ["1 one"]);
        assert_eq!(told(&trace.take_in(log("a", 2, "bad\n"))), ["1 bad"]);
        assert_eq!(
            told(&trace.take_in(log("a", 1, "o\n\nthr"))),
            ["1 two", "1 "]
        );
        assert_eq!(told(&trace.take_in(log("nobody", 1, "x\n"))), [""; 0]);
        let ended = steps(vec![vertex("a", true, true)]);
        assert_eq!(told(&trace.take_in(ended)), ["1 thr", "1 done"]);
        assert_eq!(trace.last_lines(), ["one", "bad", "two", "", "thr"]);
    }

    #[test]
    fn the_step_at_fault_is_the_one_that_nobody_ended() {
        let mut trace = Trace::default();
        let failed = |digest, error: &str| Vertex {
            error: error.to_owned(),
            ..vertex(digest, true, true)
        };
        let ended = failed(
            "a",
            "process did not complete: context canceled: context canceled",
        );
        trace.take_in(steps(vec![ended, failed("b", "exit code: 3")]));
        let step = trace.failed_step().expect("a step");
        assert_eq!(
            (step.name.as_str(), step.error.as_str()),
            ("step b", "exit code: 3")
        );
    }
}
