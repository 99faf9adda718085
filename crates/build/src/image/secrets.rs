//! Where the values of a build's secrets come from.

use std::collections::BTreeMap;
use std::path::Path;

use landfall_model::env::EnvValues;
use landfall_model::spec::BuildSecret;

use super::error::ImageBuildError;
use crate::error::Context as _;

/// The value of each secret.
pub(super) fn read(
    root: &Path,
    secrets: &BTreeMap<String, BuildSecret>,
    env: &EnvValues,
) -> Result<BTreeMap<String, Vec<u8>>, ImageBuildError> {
    let read = secrets.iter().map(|(id, secret)| {
        let value = match secret {
            BuildSecret::File(path) => read_file(id, &root.join(path))?,
            BuildSecret::Variable(name) => {
                let value = env.get(name).ok_or_else(|| ImageBuildError::NoSecret {
                    id: id.clone(),
                    from: format!("the variable {name}"),
                })?;
                value.reveal().as_bytes().to_vec()
            }
        };
        Ok((id.clone(), value))
    });
    read.collect()
}

fn read_file(id: &str, path: &Path) -> Result<Vec<u8>, ImageBuildError> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(ImageBuildError::NoSecret {
                id: id.to_owned(),
                from: format!("the file {}", path.display()),
            })
        }
        read => Ok(read.context("read", path)?),
    }
}
