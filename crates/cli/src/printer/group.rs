//! What a step says, line by line; folded away where somebody reads it who can unfold it.

use super::{Printer, workflow};

/// The lines of a step.
pub struct Group<'a> {
    printer: &'a Printer,
    name: String,
    /// The word that lets the runner listen again, while the group is open.
    open: Option<String>,
}

impl<'a> Group<'a> {
    pub(super) fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            name: String::new(),
            open: None,
        }
    }

    /// A step begins. One that says nothing makes no group.
    pub fn begin(&mut self, name: &str) {
        self.end();
        name.clone_into(&mut self.name);
    }

    /// It says something. What commands wrote is said here and nowhere else: a runner that listens
    /// for commands of its own in what is printed does not listen meanwhile.
    pub fn line(&mut self, text: impl AsRef<str>) {
        if self.printer.has_groups() && self.open.is_none() {
            let word = word();
            self.printer.say(workflow::group(&self.name));
            self.printer.say(format!("::stop-commands::{word}"));
            self.open = Some(word);
        }
        self.printer.say(text);
    }

    /// It says no more.
    pub fn end(&mut self) {
        if let Some(word) = self.open.take() {
            self.printer.say(format!("::{word}::\n::endgroup::"));
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// A word that nothing that is printed can know.
fn word() -> String {
    let mut bytes = [0; 16];
    // Only a kernel without randomness fails, and there nothing works.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("landfall-{}", hex.collect::<String>())
}
