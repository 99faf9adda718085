//! For tests only: real binaries in a sandbox, load that hides nothing, fakes and faults.
//!
//! Nothing that is shipped depends on this crate.

pub use landfall_load as load;
