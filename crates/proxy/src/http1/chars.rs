//! Which bytes may stand where.

/// Bit of [`TOKEN`]: the byte may be part of a token (RFC 9110, 5.6.2).
pub(super) const IS_TOKEN: u8 = 1;
/// Bit of [`TOKEN`]: the byte is `_`, which some servers take for `-` in field names.
pub(super) const IS_UNDERSCORE: u8 = 2;

/// Class of every byte as part of a token.
pub(super) static TOKEN: [u8; 256] = token_table();

const fn token_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let value = byte as u8;
        if value.is_ascii_alphanumeric() || is_token_mark(value) {
            table[byte] = IS_TOKEN;
        }
        byte += 1;
    }
    table[b'_' as usize] = IS_TOKEN | IS_UNDERSCORE;
    table
}

const fn is_token_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'`'
            | b'|'
            | b'~'
    )
}

/// Whether all bytes form a token.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| TOKEN[byte as usize] != 0)
}

/// Whether the bytes may be a field value: no control characters but the tab. Written as a fold
/// without early exit so that it is vectorised.
pub(super) fn is_field_value(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |ok, &byte| {
        ok & (((byte >= 0x20) & (byte != 0x7f)) | (byte == b'\t'))
    })
}

/// Whether the bytes may be a request target: no space, control character or fragment. Bytes
/// beyond ASCII pass as they came if they are UTF-8: they are not allowed, harmless, and sent by
/// common clients.
pub(super) fn is_target(bytes: &[u8]) -> bool {
    let is_allowed = bytes.iter().fold(!bytes.is_empty(), |ok, &byte| {
        ok & (byte > 0x20) & (byte != 0x7f) & (byte != b'#')
    });
    is_allowed && std::str::from_utf8(bytes).is_ok()
}

/// The bytes without spaces and tabs at either end.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
