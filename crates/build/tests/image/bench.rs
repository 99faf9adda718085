//! A source tree, and an engine that builds from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use landfall_build::InputHash;
use landfall_build::image::{
    BuildProgress, ImageBuildError, ImageBuildRequest, ImageBuilder, RegistryCredentials,
};
use landfall_model::Digest;
use landfall_model::env::{EnvValues, Secret};
use landfall_model::spec::{BuildNetwork, Dockerfile, ImageBuildSpec};
use landfall_runtime::docker::BUILD_HOST;
use tokio::sync::mpsc;

pub use crate::engine_fixture::{DockerEngine, IMAGE};

/// How long anything may take on a machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Bench {
    pub tree: tempfile::TempDir,
    pub builder: ImageBuilder,
    pub env: EnvValues,
    pub tag: String,
}

/// What came of a build.
pub struct Built {
    pub result: Result<Digest, ImageBuildError>,
    pub news: Vec<BuildProgress>,
}

impl Bench {
    /// With these files, by their paths.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let tree = tempfile::tempdir().expect("a directory");
        for (path, content) in files {
            write(tree.path(), path, content);
        }
        let name = tree.path().file_name().expect("a name").to_string_lossy();
        Self {
            builder: ImageBuilder::new(DockerEngine::shared().socket()),
            env: EnvValues::new(),
            tag: format!("landfall/test:{}", name.trim_start_matches('.')),
            tree,
        }
    }

    pub fn write(&self, path: &str, content: &str) {
        write(self.tree.path(), path, content);
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), Secret::new(value));
    }

    pub async fn inputs(&self, spec: &ImageBuildSpec) -> InputHash {
        self.try_inputs(spec).await.expect("inputs")
    }

    pub async fn try_inputs(&self, spec: &ImageBuildSpec) -> Result<InputHash, ImageBuildError> {
        let nobody = RegistryCredentials::new();
        self.builder
            .inputs(self.tree.path(), spec, &nobody, None)
            .await
    }

    pub async fn build(&self, spec: &ImageBuildSpec) -> Built {
        let (progress, mut told) = mpsc::channel(16);
        let nobody = RegistryCredentials::new();
        let building = self.builder.build(ImageBuildRequest {
            root: self.tree.path(),
            spec,
            env: &self.env,
            credentials: &nobody,
            tag: &self.tag,
            host_name: BUILD_HOST,
            progress,
        });
        let listening = async {
            let mut news = Vec::new();
            while let Some(one) = told.recv().await {
                news.push(one);
            }
            news
        };
        let both = async { tokio::join!(building, listening) };
        let (result, news) = tokio::time::timeout(PATIENCE, both).await.expect("in time");
        Built { result, news }
    }

    /// What a file of the image holds.
    pub fn read(&self, image: Digest, path: &str) -> String {
        self.run(image, &["cat", path])
    }

    /// What a command prints in the image, which has busybox.
    pub fn run(&self, image: Digest, command: &[&str]) -> String {
        let id = image.to_string();
        let mut arguments = vec!["run", "--rm", "--network=none", &id];
        arguments.extend(command);
        DockerEngine::shared().docker(&arguments)
    }
}

impl Built {
    pub fn id(&self) -> Digest {
        match &self.result {
            Ok(id) => *id,
            Err(error) => panic!("{}\n{:?}", chain(error), self.news),
        }
    }

    pub fn error(self) -> ImageBuildError {
        self.result.expect_err("a failure")
    }

    pub fn lines(&self) -> Vec<&str> {
        let lines = self.news.iter().filter_map(|news| match news {
            BuildProgress::Line(_, line) => Some(line.line.as_str()),
            _ => None,
        });
        lines.collect()
    }

    /// Steps of the Dockerfile that ran, by their names.
    pub fn ran(&self) -> Vec<&str> {
        self.steps(|news| match news {
            BuildProgress::StepDone(step) => Some(&step.name),
            _ => None,
        })
    }

    /// Steps of the Dockerfile that did not have to.
    pub fn cached(&self) -> Vec<&str> {
        self.steps(|news| match news {
            BuildProgress::StepCached(step) => Some(&step.name),
            _ => None,
        })
    }

    fn steps<'a>(&'a self, name: impl Fn(&'a BuildProgress) -> Option<&'a String>) -> Vec<&'a str> {
        let names = self.news.iter().filter_map(name).map(String::as_str);
        let of_dockerfile = |name: &&str| name.starts_with('[') && !name.starts_with("[internal]");
        // A base image is looked at, not made.
        let mut names: Vec<&str> = names
            .filter(of_dockerfile)
            .filter(|name| !name.contains("] FROM "))
            .collect();
        names.sort_unstable();
        names
    }
}

/// A spec of the Dockerfile at the root, without a network: the engine has no bridge.
pub fn spec() -> ImageBuildSpec {
    ImageBuildSpec {
        context: ".".to_owned(),
        dockerfile: Dockerfile::File("Dockerfile".to_owned()),
        target: None,
        args: BTreeMap::new(),
        labels: BTreeMap::new(),
        additional_contexts: BTreeMap::new(),
        cache_from: Vec::new(),
        inline_cache: false,
        extra_hosts: Vec::new(),
        network: BuildNetwork::None,
        no_cache: false,
        pull: false,
        platform: None,
        secrets: BTreeMap::new(),
        shm_size: None,
        ulimits: BTreeMap::new(),
        timeout: PATIENCE,
    }
}

/// A spec of these instructions.
pub fn inline(dockerfile: &str) -> ImageBuildSpec {
    ImageBuildSpec {
        dockerfile: Dockerfile::Inline(dockerfile.replace("BASE", IMAGE)),
        ..spec()
    }
}

pub fn names<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    pairs.into_iter().map(owned).collect()
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, content).expect("a file");
}
