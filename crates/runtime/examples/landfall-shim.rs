//! The shim alone, for this crate's tests: `landfall-shim --dir DIR`. What ships is a mode of the
//! `landfall` binary.

fn main() {
    std::process::exit(landfall_runtime::shim::run(std::env::args_os().skip(1)));
}
