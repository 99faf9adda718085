//! Servers in boxes: systemd, sshd and, where asked for, Docker, as containers of an engine of the
//! tests' own. They are booted, reached, cut off and switched off like machines.
//!
//! Owns the boxes, their disks and network, and the keys that open them; all of it goes with the
//! test, however that ends. It needs root, what [`DockerEngine`](crate::docker::DockerEngine)
//! needs, and Debian's `openssh-client`, `iproute2`, `e2fsprogs` and `debootstrap`.
//!
//! A box shares its kernel with the test: a power cut loses no written page, and settings of the
//! kernel other than the network's cannot be changed in it.

mod boot;
mod bring;
mod disk;
mod engine;
mod faults;
mod reach;
mod ssh;

pub use boot::{Disk, Kind, ServerBox, ServerSpec};
pub use engine::ServerEngine;
pub use ssh::{OPS_PASSWORD, User};
