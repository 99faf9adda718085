//! Builds what the end-to-end tests deploy and takes long to build, so that no test waits for it.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use landfall_testkit::storefront;

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fixtures: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> io::Result<()> {
    for version in storefront::BUILDABLE {
        let began = Instant::now();
        let dir = storefront::built(version)?;
        let took = began.elapsed().as_secs_f64();
        writeln!(
            io::stderr(),
            "storefront {version}: {} ({took:.1} s)",
            dir.display()
        )?;
    }
    Ok(())
}
