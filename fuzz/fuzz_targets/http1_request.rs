//! Requests: never a panic, the same verdict however the bytes are cut, and the same end as
//! `httparse` and a chunk reader of its own see. Run with `cargo +nightly fuzz run http1_request`.

#![no_main]

use landfall_proxy::http1::{Decoder, HeadLimits, HeadScanner, Piece, Reject, RequestHead};
use libfuzzer_sys::fuzz_target;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 64 * 1024,
    fields: 100,
};

fuzz_target!(|input: (u8, &[u8])| {
    let (step, bytes) = input;
    let whole = frame(bytes, bytes.len());
    let cut = frame(bytes, usize::from(step).max(1));
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(whole, cut),
        (whole, cut) => assert_eq!(whole.is_err(), cut.is_err()),
    }
    if let Ok(Some((head, _))) = whole {
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut request = httparse::Request::new(&mut fields);
        assert_eq!(request.parse(bytes), Ok(httparse::Status::Complete(head)));
    }
});

/// Where head and message end, fed in pieces of `step` bytes; `None` when more is needed.
fn frame(bytes: &[u8], step: usize) -> Result<Option<(usize, usize)>, Reject> {
    let mut scanner = HeadScanner::default();
    let mut fed = 0;
    let head = loop {
        if fed == bytes.len() {
            return Ok(None);
        }
        fed = (fed + step).min(bytes.len());
        if let Some(head) = scanner.scan(&bytes[..fed], LIMITS)? {
            break head;
        }
    };
    let request = RequestHead::parse(&bytes[..head], Vec::new())?;
    let mut body = Decoder::new(request.body);
    let mut at = head;
    loop {
        match body.next(&bytes[at..fed])? {
            Some(Piece::Data(length) | Piece::Framing(length) | Piece::Trailers(length)) => {
                at += length;
            }
            None if body.is_done() => return Ok(Some((head, at))),
            None if fed == bytes.len() => return Ok(None),
            None => fed = (fed + step).min(bytes.len()),
        }
    }
}
