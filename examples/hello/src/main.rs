//! The smallest example app.
fn main() {}
