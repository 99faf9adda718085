//! Counts every call that an agent makes of its host, and has one fail.

use super::Host;

/// A call that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which, counted from 0 since [`Host::inject`].
    pub call: u64,
    /// Whether it has its effect.
    pub moment: Moment,
    /// Whether a proxy that fails says no, rather than not answering.
    pub refuses: bool,
}

/// A moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before it has any effect.
    Before,
    /// Once its effect is there, before the agent knows.
    After,
}

/// Looks at the host between any two things that an agent does.
type Watcher = Box<dyn FnMut(&Host, &'static str) + Send>;

#[derive(Default)]
pub(super) struct Faults {
    trace: Vec<&'static str>,
    faults: Vec<Fault>,
    watcher: Option<Watcher>,
}

/// The injected failure.
pub(super) struct Injected {
    /// See [`Fault::refuses`].
    pub refuses: bool,
}

impl Injected {
    pub const MESSAGE: &'static str = "does not answer, as the simulation asked";
}

impl Host {
    /// Starts counting calls anew, and has these fail.
    pub fn inject(&self, faults: &[Fault]) {
        let mut all = self.faults();
        all.trace.clear();
        all.faults = faults.to_vec();
    }

    /// The calls since [`Host::inject`].
    pub fn trace(&self) -> Vec<&'static str> {
        self.faults().trace.clone()
    }

    /// Has `watcher` look at the host before and after every call.
    pub fn watch(&self, watcher: impl FnMut(&Host, &'static str) + Send + 'static) {
        self.faults().watcher = Some(Box::new(watcher));
    }

    /// A point that an agent passes.
    pub fn pass(&self, name: &'static str) {
        self.look_as_users(name);
        let Some(mut watcher) = self.faults().watcher.take() else {
            return;
        };
        watcher(self, name);
        self.faults().watcher.get_or_insert(watcher);
    }

    /// A call begins; its number.
    pub(super) fn enter(&self, name: &'static str) -> Result<u64, Injected> {
        let call = {
            let mut all = self.faults();
            all.trace.push(name);
            all.trace.len() as u64 - 1
        };
        self.pass(name);
        self.fail(call, Moment::Before).map(|()| call)
    }

    /// A call has had its effect.
    pub(super) fn leave(&self, call: u64, name: &'static str) -> Result<(), Injected> {
        self.pass(name);
        self.fail(call, Moment::After)
    }

    fn fail(&self, call: u64, moment: Moment) -> Result<(), Injected> {
        let all = self.faults();
        let hit = |fault: &&Fault| fault.call == call && fault.moment == moment;
        match all.faults.iter().find(hit) {
            Some(fault) => Err(Injected {
                refuses: fault.refuses,
            }),
            None => Ok(()),
        }
    }
}
