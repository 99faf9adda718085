//! What tests of trees and of images share.

use std::path::PathBuf;
use std::process::Command;

/// Set in child processes: the directory to work in.
pub const CHILD: &str = "LANDFALL_TEST_CHILD";

/// The directory that a child process is to work in; `None` in the test itself.
pub fn child_directory() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Bytes that do not compress, other ones for each seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(next).collect()
}

/// Runs the test `name` again with a filesystem of `size` of its own at the directory that it
/// finds in [`CHILD`]. Its mount is gone with the process.
pub fn again_on_small_disk(name: &str, size: &str) {
    let home = tempfile::tempdir().unwrap();
    let script =
        r#"mount -t tmpfs -o size="$1" landfall-test "$2" && exec "$3" --exact "$4" --nocapture"#;
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh", size])
        .arg(home.path())
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(CHILD, home.path())
        .output()
        .expect("this test needs util-linux (unshare)");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "on a disk of {size} (this test has to be allowed to mount a tmpfs in its own namespace):\n{text}"
    );
}
