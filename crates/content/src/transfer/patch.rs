//! zstd frames of content, alone or as what differs from a part of other content.

use std::io::{self, Read as _, Write as _};
use std::ops::Range;

use zstd::stream::{read, write};

use super::SEGMENT;

/// zstd's own default: three times as quick as the other on a framework's release, for 7 % more bytes.
pub(super) const QUICK: i32 = 3;
/// For patches, which are small, and for connections that are slower than it is.
pub(super) const THOROUGH: i32 = 6;
/// How far back a frame may refer, as a power of two: a bound for memory on both sides. It covers a
/// segment and what it may be a patch against.
const WINDOW_LOG: u32 = 24;
/// From here on matches far back are looked for as well; below, zstd sees all of it anyway.
const LONG: usize = 1 << 20;

/// The part of a base of `size` bytes that the segment at `offset` is a patch against. Both sides
/// reckon it alike. It reaches a segment to either side, since content moves a little.
pub(super) fn range(offset: u64, size: u64) -> Range<u64> {
    let start = offset.saturating_sub(SEGMENT).min(size);
    let end = offset.saturating_add(2 * SEGMENT).min(size);
    start..end
}

/// One frame of `content`, which refers to `base`.
pub(super) fn pack(content: &[u8], base: &[u8]) -> io::Result<Vec<u8>> {
    pack_at(THOROUGH, content, base)
}

/// One frame of `content`, which refers to `base`, at one of the two levels.
pub(super) fn pack_at(level: i32, content: &[u8], base: &[u8]) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(content.len() / 4);
    let mut encoder = write::Encoder::with_ref_prefix(out, level, base)?;
    encoder.set_pledged_src_size(Some(content.len() as u64))?;
    if !base.is_empty() {
        let all = base.len() + content.len();
        let log = all.next_power_of_two().trailing_zeros();
        encoder.window_log(log.clamp(10, WINDOW_LOG))?;
        encoder.long_distance_matching(all > LONG)?;
    }
    encoder.write_all(content)?;
    encoder.finish()
}

/// What one frame holds, which refers to `base`. Takes no more memory than `limit` and the window.
///
/// # Errors
/// When it is no frame, there is more than one, or it holds more than `limit` bytes.
pub(super) fn unpack(packed: &[u8], base: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut decoder = read::Decoder::with_ref_prefix(packed, base)?.single_frame();
    decoder.window_log_max(WINDOW_LOG)?;
    let mut content = Vec::new();
    let mut bounded = decoder.by_ref().take(limit as u64 + 1);
    bounded.read_to_end(&mut content)?;
    match content.len() <= limit && decoder.finish().is_empty() {
        true => Ok(content),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whether content and base of these sizes fit into one window.
pub(super) fn fits(content: usize, base: usize) -> bool {
    content + base <= 1 << WINDOW_LOG
}

/// How many bytes a frame of `content` bytes takes at most.
pub(super) fn packed_limit(content: usize) -> usize {
    zstd::zstd_safe::compress_bound(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_against_a_window_around_its_place() {
        assert_eq!(range(0, 10), 0..10);
        assert_eq!(range(0, 9 * SEGMENT), 0..2 * SEGMENT);
        assert_eq!(range(4 * SEGMENT, 9 * SEGMENT), 3 * SEGMENT..6 * SEGMENT);
        assert_eq!(range(9 * SEGMENT, 3 * SEGMENT), 3 * SEGMENT..3 * SEGMENT);
        assert!(range(u64::MAX, u64::MAX).start < u64::MAX);
        assert!(fits(SEGMENT as usize, 3 * SEGMENT as usize));
    }

    #[test]
    fn a_frame_that_holds_more_than_announced_is_refused() {
        let bomb = pack(&vec![0; 8 << 20], &[]).unwrap();
        assert!(bomb.len() < 2000);
        assert!(unpack(&bomb, &[], 8 << 20).is_ok());
        assert!(unpack(&bomb, &[], (8 << 20) - 1).is_err());
        assert!(unpack(&[bomb.clone(), bomb].concat(), &[], 16 << 20).is_err());
    }
}
