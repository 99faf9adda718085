//! Load on a live app, and the versions that may answer while deployments go on.

use std::ops::Range;
use std::time::Instant;

use landfall_testkit::load::{Load, LoadHandle, LoadPlan, LoadReport};
use landfall_testkit::{Output, Project, Sandbox};

/// An app under load, with the times during which each version may answer.
pub struct Live<'a> {
    project: &'a Project<'a>,
    load: LoadHandle,
    /// Each version from the start of the deployment that brings it to the end of the one that
    /// takes it away: what is asserted from the outside, knowing nothing of the switch itself.
    timeline: Vec<(Range<Instant>, String)>,
    version: String,
    since: Instant,
}

impl<'a> Live<'a> {
    /// Starts load on the app that `project` has deployed as `version`.
    pub fn start(sandbox: &Sandbox, project: &'a Project<'a>, version: &str) -> Self {
        Self::start_with(project, version, LoadPlan::new(sandbox.http(), "localhost"))
    }

    /// The same with a load of one's own.
    pub fn start_with(project: &'a Project<'a>, version: &str, plan: LoadPlan) -> Self {
        let since = Instant::now();
        let load = Load::start(plan).expect("load starts");
        Self {
            project,
            load,
            timeline: Vec::new(),
            version: version.into(),
            since,
        }
    }

    /// Runs a command that brings another version.
    pub fn changes_to(&mut self, version: &str, args: &[&str]) -> Output {
        let project = self.project;
        self.changes_by(version, || project.landfall(args))
    }

    /// Does something that brings another version.
    pub fn changes_by<T>(&mut self, version: &str, change: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let output = change();
        self.timeline
            .push((self.since..Instant::now(), self.version.clone()));
        (self.version, self.since) = (version.into(), begun);
        output
    }

    /// Runs a command that may bring another version, or fail to. `settled` waits until that is
    /// decided, and tells which version is live then.
    pub fn may_change_to(
        &mut self,
        version: &str,
        args: &[&str],
        settled: impl FnOnce(Output) -> String,
    ) {
        let begun = Instant::now();
        let live = settled(self.project.landfall(args));
        let now = Instant::now();
        if live == self.version {
            self.timeline.push((begun..now, version.into()));
        } else {
            self.timeline.push((self.since..now, self.version.clone()));
            (self.version, self.since) = (live, begun);
        }
    }

    /// Runs a command that must change nothing for users.
    pub fn unchanged(&self, args: &[&str]) -> Output {
        self.project.landfall(args)
    }

    /// How many requests were answered so far.
    pub fn answered(&self) -> u64 {
        self.load.snapshot().requests
    }

    /// Ends the load and asserts that no request failed and none met a version that was not live.
    #[track_caller]
    pub fn assert_nothing_lost(mut self) -> LoadReport {
        self.timeline
            .push((self.since..Instant::now(), self.version.clone()));
        let report = self.load.stop_blocking();
        self.timeline.last_mut().expect("just pushed").0.end = Instant::now();
        assert_eq!(report.failed, 0, "{}", report.explain_failures(10));
        let wrong = report.wrong_version(&self.timeline);
        let first = wrong.first().map(|record| report.describe(record));
        assert!(
            wrong.is_empty(),
            "{} answers of a wrong version: {first:?}",
            wrong.len()
        );
        assert!(report.requests > 0, "the load made no request");
        report
    }

    /// As [`Live::assert_nothing_lost`], and that no request was answered with an error, be it the
    /// app's or that of a web server in front of it.
    #[track_caller]
    pub fn assert_all_well(self) {
        let report = self.assert_nothing_lost();
        let mut errors = report.records.iter();
        let first = errors.find(|record| record.outcome.is_app_error());
        let first = first.map(|record| report.describe(record));
        assert!(first.is_none(), "{} errors: {first:?}", report.app_errors);
    }
}
