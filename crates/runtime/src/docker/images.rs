//! Images of the engine: found, pulled, and those that Landfall named removed.

use std::collections::HashMap;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::{CreateImageOptions, ListImagesOptions, RemoveImageOptions};
use futures_util::StreamExt;
use landfall_model::env::Secret;
use tokio::sync::mpsc;

use super::DockerRuntime;
use super::engine::{self, found};
use crate::RuntimeError;

/// The engine's answer when a container has what is to be removed.
const CONFLICT: u16 = 409;

/// Who one is at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryUser {
    /// The name.
    pub name: String,
    /// The password, or a token.
    pub password: Secret,
}

impl DockerRuntime {
    /// The id of an image; `None` where it is not on this host.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_digest(&self, reference: &str) -> Result<Option<String>, RuntimeError> {
        let docker = self.docker().await?;
        let answer = docker.inspect_image(reference);
        let image = found(answer.await)
            .map_err(self.engine.failed(format!("look at image {reference}")))?;
        Ok(image.and_then(|image| image.id))
    }

    /// Pulls an image from its registry. What happens on the way goes to `news`, which may be
    /// closed.
    ///
    /// # Errors
    /// When the registry cannot be reached, has no such image, or does not give it to `user`.
    pub async fn pull_image(
        &self,
        reference: &str,
        user: Option<&RegistryUser>,
        news: &mpsc::Sender<String>,
    ) -> Result<(), RuntimeError> {
        let options = CreateImageOptions {
            from_image: Some(tagged(reference)),
            ..CreateImageOptions::default()
        };
        let credentials = user.map(|user| DockerCredentials {
            username: Some(user.name.clone()),
            password: Some(user.password.reveal().to_owned()),
            ..DockerCredentials::default()
        });
        let docker = self.docker().await?;
        let mut steps = docker.create_image(Some(options), None, credentials);
        while let Some(step) = steps.next().await {
            let step = step.map_err(self.engine.failed(format!("pull {reference}")))?;
            if let Some(message) = step.error_detail.and_then(|detail| detail.message) {
                let operation = format!("pull {reference}");
                return Err(RuntimeError::Engine { operation, message });
            }
            // What a layer has reached is told hundreds of times.
            let is_step = step.progress_detail.is_none_or(|p| p.current.is_none());
            if let Some(status) = step.status.filter(|_| is_step) {
                let line = match step.id {
                    Some(id) => format!("{id}: {status}"),
                    None => status,
                };
                let _ = news.send(line).await;
            }
        }
        Ok(())
    }

    /// The names that begin with `prefix`, with the ids of their images.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn images_named(&self, prefix: &str) -> Result<Vec<(String, String)>, RuntimeError> {
        let options = ListImagesOptions {
            filters: Some(HashMap::from([(
                "reference".to_owned(),
                vec![format!("{prefix}*/*")],
            )])),
            ..ListImagesOptions::default()
        };
        let docker = self.docker().await?;
        let images = docker.list_images(Some(options)).await;
        let images = images.map_err(self.engine.failed("list images"))?;
        let names = images.into_iter().flat_map(|image| {
            let id = image.id;
            let names = image.repo_tags.into_iter();
            names.map(move |name| (name, id.clone()))
        });
        Ok(names.filter(|(name, _)| name.starts_with(prefix)).collect())
    }

    /// Takes a name from an image, which goes where that was its last one. An image that a container
    /// has, one that ended included, keeps its last name: whoever removes it is to ask again.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn unname_image(&self, name: &str) -> Result<(), RuntimeError> {
        let docker = self.docker().await?;
        let removed = docker.remove_image(name, None::<RemoveImageOptions>, None);
        match found(removed.await) {
            Err(error) if engine::status(&error) == Some(CONFLICT) => Ok(()),
            removed => removed
                .map(drop)
                .map_err(self.engine.failed(format!("remove image {name}"))),
        }
    }
}

/// Without a tag an engine would pull all that there are.
fn tagged(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    match name.contains([':', '@']) {
        true => reference.to_owned(),
        false => format!("{reference}:latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::tagged;

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        assert_eq!(tagged("redis"), "redis:latest");
        assert_eq!(
            tagged("localhost:5000/redis"),
            "localhost:5000/redis:latest"
        );
        assert_eq!(tagged("localhost:5000/redis:7"), "localhost:5000/redis:7");
        assert_eq!(tagged("redis@sha256:12"), "redis@sha256:12");
    }
}
