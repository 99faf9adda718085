//! Responses: never a panic, and what is accepted has the status that `httparse` sees. Run with
//! `cargo +nightly fuzz run http1_response`.

#![no_main]

use landfall_proxy::http1::{Decoder, HeadLimits, HeadScanner, ResponseHead};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = HeadLimits {
        bytes: 64 * 1024,
        fields: 100,
    };
    let Ok(Some(head)) = HeadScanner::default().scan(bytes, limits) else {
        return;
    };
    let Ok(response) = ResponseHead::parse(&bytes[..head], Vec::new()) else {
        return;
    };
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut reference = httparse::Response::new(&mut fields);
    if reference.parse(bytes).is_ok_and(|status| status.is_complete()) {
        assert_eq!(reference.code, Some(response.status));
    }
    let mut body = Decoder::new(response.body);
    let _ = body.advance(&bytes[head..]);
    let _ = body.trailer_section();
});
