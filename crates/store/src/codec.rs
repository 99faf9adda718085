//! Values in columns: JSON for structures, RFC 3339 for times.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

pub(crate) fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("model types have a JSON form")
}

pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Decode { what, source })
}

/// A column with JSON.
pub(crate) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    what: &'static str,
) -> Result<T, StoreError> {
    decode(
        what,
        row.get_ref(what)?.as_str().map_err(rusqlite::Error::from)?,
    )
}

/// A column with JSON or NULL.
pub(crate) fn json_opt<T: DeserializeOwned>(
    row: &Row<'_>,
    what: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.get(what)?;
    text.map(|text| decode(what, &text)).transpose()
}

/// A column with a bare word: a name, a time, an enum without fields.
pub(crate) fn word<T: DeserializeOwned>(
    row: &Row<'_>,
    what: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.get(what)?;
    let value = serde_json::Value::String(text);
    serde_json::from_value(value).map_err(|source| StoreError::Decode { what, source })
}

/// A column with a time or NULL.
pub(crate) fn time_opt(row: &Row<'_>, what: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let text: Option<String> = row.get(what)?;
    let parse = |text: String| {
        serde_json::from_value(serde_json::Value::String(text))
            .map_err(|source| StoreError::Decode { what, source })
    };
    text.map(parse).transpose()
}
