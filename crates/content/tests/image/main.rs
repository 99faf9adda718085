//! Images: taken apart, sent, and made again byte for byte.

mod archives;
mod engine;
mod exports;
mod faults;
mod hostile;
mod keeping;
mod round_trip;
mod transfer;
