//! The proxy as its users see it: a process of its own, real sockets, small apps behind it.

mod basics;
mod faults;
mod files;
mod framing;
mod handover;
mod layer4;
mod malformed;
mod records;
mod routes;
mod snapshots;
mod streaming;

mod harness;

/// Not a test: the process that the harness starts as the proxy.
#[test]
fn proxy_process() {
    harness::run_if_asked();
}
