//! The typed view of a service.

use crate::compose::tree::{Map, Node, Place, Value};

/// A service of a resolved project.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    name: &'a str,
    node: &'a Node,
}

/// How the image of a service is built.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// The directory or URL that the build is given.
    pub context: &'a str,
    /// The Dockerfile, relative to the context; none where it is written into the Compose file.
    pub dockerfile: Option<&'a str>,
    /// The stage that is built.
    pub target: Option<&'a str>,
    /// Where it is written.
    pub at: &'a Place,
}

/// A port of the containers.
#[derive(Debug, Clone, Copy)]
pub struct Port<'a> {
    /// The address on the host; all of them where none is said.
    pub host_ip: Option<&'a str>,
    /// The port on the host or a range to take one of; any where none is said.
    pub published: Option<&'a str>,
    /// The port in the container.
    pub target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: &'a str,
    /// Where it is written.
    pub at: &'a Place,
}

/// Something that is mounted in the containers.
#[derive(Debug, Clone, Copy)]
pub struct Mount<'a> {
    /// `bind`, `volume`, `tmpfs`, and so on.
    pub kind: &'a str,
    /// The path on the host, or the key of a volume.
    pub source: Option<&'a str>,
    /// The path in the container.
    pub target: &'a str,
    /// Whether the container can only read it.
    pub read_only: bool,
    /// Where it is written.
    pub at: &'a Place,
}

/// A service that another one needs.
#[derive(Debug, Clone, Copy)]
pub struct Dependency<'a> {
    /// Its name.
    pub service: &'a str,
    /// `service_started`, `service_healthy` or `service_completed_successfully`.
    pub condition: &'a str,
    /// Whether the other one has to be there.
    pub required: bool,
    /// Where it is written.
    pub at: &'a Place,
}

impl<'a> Service<'a> {
    pub(super) fn new(name: &'a str, node: &'a Node) -> Self {
        Self { name, node }
    }

    /// Its canonical form.
    pub(crate) fn node(&self) -> &'a Node {
        self.node
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Where it is declared: in the first file that says something about it.
    pub fn at(&self) -> &'a Place {
        self.node.named_at()
    }

    /// Where a key of it is written.
    pub fn place_of(&self, key: &str) -> Option<&'a Place> {
        self.node.get(key).map(Node::named_at)
    }

    /// The image that it runs, or that its build makes.
    pub fn image(&self) -> Option<&'a str> {
        self.node.text_of("image")
    }

    /// How its image is built.
    pub fn build(&self) -> Option<Build<'a>> {
        let build = self.node.get("build")?;
        Some(Build {
            context: build.text_of("context").unwrap_or_default(),
            dockerfile: build.text_of("dockerfile"),
            target: build.text_of("target"),
            at: build.named_at(),
        })
    }

    /// The words of its command; none where the image's own is run.
    pub fn command(&self) -> Option<Vec<&'a str>> {
        self.words("command")
    }

    /// The words of its entry point; none where the image's own is run.
    pub fn entrypoint(&self) -> Option<Vec<&'a str>> {
        self.words("entrypoint")
    }

    /// Its variables by name. Those without a value are not set in the container.
    pub fn environment(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let fields = self.fields("environment");
        fields.map(|(name, node)| (name, node.text()))
    }

    /// Its labels by name.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let fields = self.fields("labels");
        fields.map(|(name, node)| (name, node.text().unwrap_or_default()))
    }

    /// Its published and unpublished ports.
    pub fn ports(&self) -> impl Iterator<Item = Port<'a>> + use<'a> {
        self.items("ports").map(|port| Port {
            host_ip: port.text_of("host_ip"),
            published: port.text_of("published"),
            target: match port.get("target").map(|node| &node.value) {
                Some(Value::Int(target)) => u16::try_from(*target).unwrap_or_default(),
                _ => 0,
            },
            protocol: port.text_of("protocol").unwrap_or("tcp"),
            at: &port.at,
        })
    }

    /// What is mounted in its containers.
    pub fn mounts(&self) -> impl Iterator<Item = Mount<'a>> + use<'a> {
        self.items("volumes").map(|mount| Mount {
            kind: mount.text_of("type").unwrap_or_default(),
            source: mount.text_of("source"),
            target: mount.text_of("target").unwrap_or_default(),
            read_only: mount.get("read_only").is_some(),
            at: &mount.at,
        })
    }

    /// The keys of the networks that it is connected to.
    pub fn networks(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.fields("networks").map(|(name, _)| name)
    }

    /// The services that have to be there before it.
    pub fn depends_on(&self) -> impl Iterator<Item = Dependency<'a>> + use<'a> {
        self.fields("depends_on").map(|(service, node)| Dependency {
            service,
            condition: node.text_of("condition").unwrap_or("service_started"),
            required: node
                .get("required")
                .is_some_and(|r| matches!(r.value, Value::Bool(true))),
            at: node.named_at(),
        })
    }

    /// The words of its health check, `CMD`, `CMD-SHELL` or `NONE` first.
    pub fn health_test(&self) -> Option<Vec<&'a str>> {
        let test = self.node.get("healthcheck")?.get("test")?.list()?;
        Some(test.iter().filter_map(Node::text).collect())
    }

    /// The profiles that enable it; always enabled without any.
    pub fn profiles(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.items("profiles").filter_map(Node::text)
    }

    /// How many containers it runs.
    pub fn replicas(&self) -> u64 {
        let deploy = self
            .node
            .get("deploy")
            .and_then(|deploy| deploy.get("replicas"));
        let count = self.node.get("scale").or(deploy).map(|node| &node.value);
        match count {
            Some(Value::Int(count)) => u64::try_from(*count).unwrap_or_default(),
            _ => 1,
        }
    }

    /// When it is started again.
    pub fn restart(&self) -> Option<&'a str> {
        self.node.text_of("restart")
    }

    /// The user that it runs as.
    pub fn user(&self) -> Option<&'a str> {
        self.node.text_of("user")
    }

    /// The directory that it runs in.
    pub fn working_dir(&self) -> Option<&'a str> {
        self.node.text_of("working_dir")
    }

    /// The signal that asks it to stop.
    pub fn stop_signal(&self) -> Option<&'a str> {
        self.node.text_of("stop_signal")
    }

    /// How long it may take to stop, like `1m30s`.
    pub fn stop_grace_period(&self) -> Option<&'a str> {
        self.node.text_of("stop_grace_period")
    }

    fn words(&self, key: &str) -> Option<Vec<&'a str>> {
        let words = self.node.get(key)?.list()?;
        Some(words.iter().filter_map(Node::text).collect())
    }

    fn items(&self, key: &str) -> impl Iterator<Item = &'a Node> + use<'a> {
        self.node
            .get(key)
            .and_then(Node::list)
            .unwrap_or_default()
            .iter()
    }

    fn fields(&self, key: &str) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        let map: Option<&'a Map> = self.node.get(key).and_then(Node::map);
        map.into_iter()
            .flatten()
            .map(|(name, node)| (name.as_str(), node))
    }
}
