//! Tokens that nobody can guess.

use std::fmt::Write;
use std::mem::MaybeUninit;

/// 256 bits from the kernel, as hexadecimal digits.
pub fn random() -> String {
    let mut bytes = [MaybeUninit::<u8>::uninit(); 32];
    let flags = rustix::rand::GetRandomFlags::empty();
    let mut text = String::with_capacity(64);
    // The kernel gives up to 256 bytes whole once it is seeded, and blocks until then.
    if let Ok((bytes, _)) = rustix::rand::getrandom(&mut bytes[..], flags) {
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
    }
    assert_eq!(text.len(), 64, "the kernel gives random bytes");
    text
}
