//! The parser against an independent one: whatever it accepts, `httparse` and a plain reading of the
//! RFC frame in the same way, however the bytes are cut.

use landfall_proxy::http1::{
    BodyKind, Decoder, HeadLimits, HeadScanner, Piece, Reject, RequestHead, ResponseHead,
};
use proptest::prelude::*;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 64 * 1024,
    fields: 100,
};

/// A message as the parser saw it: where its head ended, the body's content, and where it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Framed {
    head: usize,
    content: Vec<u8>,
    end: usize,
}

/// Feeds `bytes` in pieces of these lengths. `None` when more is needed.
fn frame(bytes: &[u8], cuts: &[usize]) -> Result<Option<Framed>, Reject> {
    let mut fed = 0;
    let mut cuts = cuts.iter().copied().cycle();
    let mut more = |fed: &mut usize| {
        let step = cuts.next().unwrap_or(bytes.len()).max(1);
        let is_more = *fed < bytes.len();
        *fed = (*fed + step).min(bytes.len());
        is_more
    };
    let mut scanner = HeadScanner::default();
    let head = loop {
        if !more(&mut fed) {
            return Ok(None);
        }
        if let Some(head) = scanner.scan(&bytes[..fed], LIMITS)? {
            break head;
        }
    };
    let request = RequestHead::parse(&bytes[..head], Vec::new())?;
    let mut decoder = Decoder::new(request.body);
    let mut content = Vec::new();
    let mut at = head;
    loop {
        match decoder.next(&bytes[at..fed])? {
            Some(Piece::Data(length)) => {
                content.extend_from_slice(&bytes[at..at + length]);
                at += length;
            }
            Some(Piece::Framing(length) | Piece::Trailers(length)) => at += length,
            None if decoder.is_done() => {
                return Ok(Some(Framed {
                    head,
                    content,
                    end: at,
                }));
            }
            None if more(&mut fed) => {}
            None => return Ok(None),
        }
    }
}

/// The same by `httparse` and by hand, as lenient as the RFC allows a reader to be.
fn reference(bytes: &[u8]) -> Option<Framed> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(head) = request.parse(bytes).ok()? else {
        return None;
    };
    let value = |name: &str| {
        let mut all = request
            .headers
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        all.next().map(|field| {
            String::from_utf8_lossy(field.value)
                .trim()
                .to_ascii_lowercase()
        })
    };
    if value("transfer-encoding").as_deref() == Some("chunked") {
        let (content, length) = unchunk(&bytes[head..])?;
        return Some(Framed {
            head,
            content,
            end: head + length,
        });
    }
    let length: usize = value("content-length").map_or(Some(0), |length| length.parse().ok())?;
    let content = bytes.get(head..head.checked_add(length)?)?.to_vec();
    Some(Framed {
        head,
        content,
        end: head + length,
    })
}

fn unchunk(mut bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let whole = bytes.len();
    let mut content = Vec::new();
    loop {
        let httparse::Status::Complete((start, size)) = httparse::parse_chunk_size(bytes).ok()?
        else {
            return None;
        };
        bytes = &bytes[start..];
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok()?;
        content.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut fields = [httparse::EMPTY_HEADER; 512];
    let httparse::Status::Complete((trailers, _)) =
        httparse::parse_headers(bytes, &mut fields).ok()?
    else {
        return None;
    };
    Some((content, whole - bytes.len() + trailers))
}

/// Requests that are nearly right: pieces of real ones, put together by chance.
fn nearly_http() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST /a HTTP/1.1\r\n",
        "POST / HTTP/1.0\r\n",
        "GET http://a/ HTTP/1.1\r\n",
        "GET /\n",
        "OPTIONS * HTTP/1.1\r\n",
        " GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\n",
    ]);
    let field = prop::sample::select(vec![
        "host: a\r\n",
        "Host:a\r\n",
        "host: b\r\n",
        "content-length: 5\r\n",
        "Content-Length:0\r\n",
        "content-length: 5, 5\r\n",
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding:\tCHUNKED \r\n",
        "transfer-encoding: x\r\n",
        "x: y\r\n",
        "x : y\r\n",
        " folded\r\n",
        "x: y\n",
        "x\r\n",
        "x: \0\r\n",
        "connection: close, x\r\n",
        "x:\r\n",
        "content-length: 1\r\n",
        "Transfer-Encoding : chunked\r\n",
    ]);
    let body = prop::sample::select(vec![
        "5\r\nhello\r\n",
        "0\r\n",
        "\r\n",
        "hello",
        "1\r\na\r\n",
        "a\r\n0123456789\r\n",
        "1;x=y\r\na\r\n",
        "0\r\n\r\n",
        "0\r\nx: y\r\n\r\n",
        "1\na\n",
        "zz\r\n",
        "00\r\n\r\n",
        "t: u\r\n",
        "GET / HTTP/1.1\r\n",
    ]);
    let noise = prop::collection::vec(any::<u8>(), 0..4);
    (
        line,
        prop::collection::vec(field, 0..5),
        prop::collection::vec(body, 0..5),
        noise,
        any::<prop::sample::Index>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(line, fields, body, noise, at, is_noisy)| {
            let mut bytes = [line, &fields.concat(), "\r\n", &body.concat()]
                .concat()
                .into_bytes();
            if is_noisy {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, noise);
            }
            bytes
        })
}

/// Requests that keep the rules.
fn valid_http() -> impl Strategy<Value = Vec<u8>> {
    let chunks = prop::collection::vec("[a-z]{1,20}", 0..5);
    ("/[a-z/]{0,10}", prop::option::of("[a-z]{1,40}"), chunks).prop_map(|(path, plain, chunks)| {
        match plain {
            Some(body) => format!(
                "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
            None => {
                let chunks: String = chunks
                    .iter()
                    .map(|chunk| format!("{:X}\r\n{chunk}\r\n", chunk.len()))
                    .collect();
                format!("PUT {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
            }
        }
        .into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_accepted_is_framed_as_others_frame_it(bytes in nearly_http()) {
        if let Ok(Some(framed)) = frame(&bytes, &[]) {
            prop_assert_eq!(Some(framed), reference(&bytes), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn cuts_change_nothing(bytes in nearly_http(), cuts in prop::collection::vec(1usize..20, 1..6)) {
        let whole = frame(&bytes, &[]);
        let cut = frame(&bytes, &cuts);
        // Which rule is named first may differ; whether one is broken may not.
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => prop_assert_eq!(whole, cut),
            (whole, cut) => prop_assert_eq!(whole.is_err(), cut.is_err()),
        }
    }

    #[test]
    fn what_keeps_the_rules_is_accepted(bytes in valid_http(), cuts in prop::collection::vec(1usize..9, 1..4)) {
        let framed = frame(&bytes, &cuts).unwrap().unwrap();
        prop_assert_eq!(framed.end, bytes.len());
        prop_assert_eq!(Some(framed), reference(&bytes));
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(1usize..50, 1..4)) {
        let _ = frame(&bytes, &cuts);
        let _ = ResponseHead::parse(&bytes, Vec::new());
        for kind in [BodyKind::Chunked, BodyKind::Length(7), BodyKind::UntilClose] {
            let _ = Decoder::new(kind).advance(&bytes);
        }
    }
}
