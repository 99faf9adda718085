//! Content digests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a digest was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// BLAKE3: everything of Landfall's own.
    Blake3,
    /// SHA-256: images, whose ids are given by the engine and by registries.
    Sha256,
}

impl Algorithm {
    const ALL: [Self; 2] = [Self::Blake3, Self::Sha256];

    fn prefix(self) -> &'static str {
        match self {
            Self::Blake3 => "b3:",
            Self::Sha256 => "sha256:",
        }
    }
}

/// A digest of 32 bytes, written as its algorithm and 64 lower-case hexadecimal digits: `b3:…` of
/// trees and whatever else is Landfall's own, `sha256:…` of images.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; 32],
}

/// Text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a digest (b3: or sha256: and 64 hexadecimal digits)")]
pub struct InvalidDigest(String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(*blake3::hash(bytes).as_bytes())
    }

    /// The digest of a value, by its JSON form. Maps must be ordered for it to be stable.
    pub fn of_json<T: Serialize>(value: &T) -> Self {
        let json = serde_json::to_vec(value).expect("model types have a JSON form");
        Self::of(&json)
    }

    /// A BLAKE3 digest computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let algorithm = Algorithm::Blake3;
        Self { algorithm, bytes }
    }

    /// A SHA-256 digest computed elsewhere.
    pub fn from_sha256(bytes: [u8; 32]) -> Self {
        let algorithm = Algorithm::Sha256;
        Self { algorithm, bytes }
    }

    /// Whether it is the id of an image: those of all else that Landfall keeps are BLAKE3.
    pub fn is_image(&self) -> bool {
        self.algorithm == Algorithm::Sha256
    }

    /// How it was computed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The 64 hexadecimal digits, without the prefix: a file name.
    pub fn hex(&self) -> String {
        self.bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.algorithm.prefix(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.algorithm.prefix(), self.short())
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest(text.to_owned());
        let known = Algorithm::ALL
            .into_iter()
            .find_map(|algorithm| Some((algorithm, text.strip_prefix(algorithm.prefix())?)));
        let (algorithm, hex) = known.ok_or_else(invalid)?;
        if hex.len() != 64
            || !hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self { algorithm, bytes })
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_as_it_was_written() {
        let digest = Digest::of(b"landfall");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let image = format!("sha256:{}", digest.hex());
        let parsed: Digest = image.parse().unwrap();
        assert_eq!(parsed.to_string(), image);
        assert_ne!(parsed, digest, "of another algorithm");
        assert_eq!(parsed, Digest::from_sha256(*digest.as_bytes()));
        for bad in [
            "",
            "b3:",
            "sha256:00",
            &digest.hex(),
            &digest.to_string().to_uppercase(),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?} was accepted");
        }
    }
}
