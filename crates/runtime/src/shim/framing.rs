//! Cutting a stream of bytes into lines. Pure; owns what has come of a line that is not finished.

/// Longest piece of a line that is kept together, in bytes. Longer lines are cut into parts.
pub(crate) const MAX_PIECE: usize = 16 << 10;

/// A piece of output for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
    /// Whether the line goes on in the next piece.
    pub partial: bool,
}

/// Cuts one stream.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    pending: Vec<u8>,
    /// Whether pieces of the unfinished line were given out already.
    inside_line: bool,
}

impl Framer {
    /// Takes what was read and gives out every piece that it completes.
    pub fn feed(&mut self, mut bytes: &[u8], mut emit: impl FnMut(Piece<'_>)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.add(&bytes[..end], &mut emit);
            if self.pending.is_empty() {
                emit(Piece {
                    bytes: &[],
                    partial: false,
                });
            } else {
                emit(Piece {
                    bytes: &self.pending,
                    partial: false,
                });
                self.pending.clear();
            }
            self.inside_line = false;
            bytes = &bytes[end + 1..];
        }
        self.add(bytes, &mut emit);
    }

    /// Gives out what has come of an unfinished line, which may still go on.
    pub fn flush_partial(&mut self, mut emit: impl FnMut(Piece<'_>)) {
        if !self.pending.is_empty() {
            emit(Piece {
                bytes: &self.pending,
                partial: true,
            });
            self.pending.clear();
            self.inside_line = true;
        }
    }

    /// Gives out what is left at the end of the stream.
    pub fn finish(&mut self, mut emit: impl FnMut(Piece<'_>)) {
        if !self.pending.is_empty() || self.inside_line {
            emit(Piece {
                bytes: &self.pending,
                partial: false,
            });
        }
        self.pending.clear();
        self.inside_line = false;
    }

    fn add(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(Piece<'_>)) {
        while self.pending.len() + bytes.len() > MAX_PIECE {
            let (now, later) = bytes.split_at(MAX_PIECE - self.pending.len());
            self.pending.extend_from_slice(now);
            emit(Piece {
                bytes: &self.pending,
                partial: true,
            });
            self.pending.clear();
            self.inside_line = true;
            bytes = later;
        }
        self.pending.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Framer, MAX_PIECE, Piece};

    fn pieces(chunks: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        let mut keep = |piece: Piece<'_>| found.push((piece.bytes.to_vec(), piece.partial));
        for chunk in chunks {
            framer.feed(chunk, &mut keep);
        }
        framer.finish(&mut keep);
        found
    }

    #[test]
    fn lines_are_put_together_from_chunks_and_the_last_needs_no_end() {
        assert_eq!(
            pieces(&[b"on", b"e\n\ntw", b"o"]),
            [
                (b"one".to_vec(), false),
                (b"".to_vec(), false),
                (b"two".to_vec(), false)
            ]
        );
        assert!(pieces(&[b""]).is_empty());
    }

    #[test]
    fn an_over_long_line_is_cut_and_still_ends() {
        let long = vec![b'x'; MAX_PIECE * 2];
        let found = pieces(&[&long, b"\n"]);
        assert_eq!(
            found.iter().map(|(bytes, _)| bytes.len()).sum::<usize>(),
            long.len()
        );
        assert_eq!(found.iter().filter(|(_, partial)| !partial).count(), 1);
        assert!(!found.last().expect("a last piece").1);
    }

    proptest! {
        #[test]
        fn however_it_is_chunked_no_byte_is_lost(
            // Runs of one byte, so that lines of more than a piece come up without long inputs.
            chunks in prop::collection::vec(prop::collection::vec(
                (prop_oneof![Just(b'\n'), Just(b'a')], prop_oneof![1_usize..4, 1_usize..20_000]), 0..6), 0..6)
        ) {
            let chunks: Vec<Vec<u8>> = chunks
                .iter()
                .map(|runs| runs.iter().flat_map(|&(byte, n)| vec![byte; n]).collect())
                .collect();
            let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let mut rebuilt = Vec::new();
            for (bytes, partial) in pieces(&slices) {
                prop_assert!(bytes.len() <= MAX_PIECE);
                rebuilt.extend_from_slice(&bytes);
                if !partial {
                    rebuilt.push(b'\n');
                }
            }
            let mut expected = chunks.concat();
            if expected.last().is_some_and(|&last| last != b'\n') {
                expected.push(b'\n');
            }
            prop_assert!(rebuilt == expected);
        }
    }
}
