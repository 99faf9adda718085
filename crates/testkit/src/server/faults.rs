//! What happens to machines: power, cables, hangs, full disks.

use std::fs;
use std::process::Command;

use super::boot::{Kind, PATIENCE, ServerBox};
use crate::{Output, wait_until};

impl ServerBox<'_> {
    /// Cuts the power: every process is gone at once. Disks stay.
    ///
    /// # Panics
    /// When it is off.
    pub fn power_cut(&self) {
        self.client(&["kill", "--signal=KILL", &self.name]).ok();
        self.await_state("off", "exited");
    }

    /// Switches it on again, and waits as [`ServerBox::boot`] does. Its cable is plugged in.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn power_on(&self) {
        self.switch_on();
        self.await_boot();
    }

    /// Switches it on again, for those who watch it boot. [`ServerBox::await_boot`] waits.
    ///
    /// # Panics
    /// When the engine refuses.
    pub fn switch_on(&self) {
        self.client(&["start", &self.name]).ok();
    }

    /// Reboots it in order, and waits until it is up again. Its cable is plugged in.
    ///
    /// # Panics
    /// When it is off, or does not come up again.
    pub fn reboot(&self) {
        if self.kind == Kind::NoSystemd {
            self.client(&["restart", &self.name]).ok();
        } else {
            let before = self.inspect("{{.State.StartedAt}}");
            // It may be gone before it has said so.
            self.exec(&["systemctl", "reboot"]);
            wait_until(PATIENCE, "the box to reboot", || {
                self.inspect("{{.State.StartedAt}}") != before
            });
        }
        self.await_boot();
    }

    /// Stops all of it between two instructions. Who connects is let wait: its kernel still answers.
    ///
    /// # Panics
    /// When it is off or frozen.
    pub fn freeze(&self) {
        self.client(&["pause", &self.name]).ok();
    }

    /// Lets it go on as if nothing had been.
    ///
    /// # Panics
    /// When it is not frozen.
    pub fn thaw(&self) {
        self.client(&["unpause", &self.name]).ok();
    }

    /// Pulls the cable. The box keeps its address and connections, and what is sent is lost: unlike
    /// taking it off the engine's network, which would tell it at once.
    ///
    /// # Panics
    /// When it is off.
    pub fn unplug(&self) {
        self.set_link("down");
    }

    /// Plugs the cable in again.
    ///
    /// # Panics
    /// When it is off.
    pub fn plug_in(&self) {
        self.set_link("up");
    }

    /// Fills the disk below `/var/lib/landfall` until this many bytes are free, or as few more as
    /// its blocks allow. Nothing of it is seen in the box but the lack of space.
    ///
    /// # Panics
    /// When the disk is not a [small](super::Disk::Small) one.
    pub fn fill_disk(&self, keep_free: u64) {
        self.small_disk().fill(keep_free);
    }

    /// Takes away what [`ServerBox::fill_disk`] has put there.
    ///
    /// # Panics
    /// When the disk is not a [small](super::Disk::Small) one.
    pub fn empty_disk(&self) {
        self.small_disk().empty();
    }

    fn small_disk(&self) -> &super::disk::SmallDisk {
        let disk = self.disk.as_ref();
        disk.expect("a box booted with a small disk")
    }

    /// Sets the machine's end of the box's cable.
    fn set_link(&self, state: &str) {
        let pid = self.inspect("{{.State.Pid}}");
        // Read past the engine, which does nothing in a box that is frozen.
        let peer = format!("/proc/{pid}/root/sys/class/net/eth0/iflink");
        let peer = fs::read_to_string(&peer).unwrap_or_else(|error| panic!("{peer}: {error}"));
        let link = link_with_index(peer.trim());
        let mut ip = Command::new("ip");
        Output::of(ip.args(["link", "set", "dev", &link, state])).ok();
    }

    fn await_state(&self, what: &str, state: &str) {
        wait_until(PATIENCE, &format!("the box to be {what}"), || {
            self.inspect("{{.State.Status}}") == state
        });
    }

    fn inspect(&self, form: &str) -> String {
        let told = self.client(&["inspect", "--format", form, &self.name]).ok();
        told.stdout.trim().to_owned()
    }
}

/// The name of the machine's network interface with this number.
fn link_with_index(index: &str) -> String {
    let links = fs::read_dir("/sys/class/net").expect("the machine's links");
    let link = links.flatten().find(|link| {
        fs::read_to_string(link.path().join("ifindex")).is_ok_and(|text| text.trim() == index)
    });
    let link = link.unwrap_or_else(|| panic!("no link with number {index}"));
    link.file_name().to_string_lossy().into_owned()
}
