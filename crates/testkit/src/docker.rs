//! A Docker Engine of the tests' own: its own data, socket and networks, and gone with its tests.
//!
//! It needs root and Debian's `docker.io`, `iptables` and `busybox-static`. Nothing is pulled: the
//! only image holds busybox. Uses nothing but the standard library and `tempfile`, because tests
//! that must not wait for the rest of this crate take this file by its path.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The client beside the engine: another one may stand earlier in `PATH`.
const DOCKER: &str = "/usr/bin/docker";
/// How long an engine may take to come and to go on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Names a directory with the programs of an engine that is newer than the system's.
const NEWER_ENGINE: &str = "LANDFALL_NEWER_ENGINE";
/// The one image that there is.
pub const IMAGE: &str = "landfall-test/busybox:1";

/// Ends an engine when its standard input does, which is when the test's process is gone,
/// however it went. `$1` is the engine's directory.
const SWEEPER: &str = r#"
cat >/dev/null
dir=$1
engine() { timeout 20 /usr/bin/docker -H "unix://$dir/sock" "$@"; }
pid=$(cat "$dir/pid")
if [ -n "$pid" ] && [ -d "/proc/$pid" ]; then
    for id in $(engine ps -aq); do engine rm -fv "$id"; done
    for id in $(engine network ls -q --filter type=custom); do engine network rm "$id"; done
    kill "$pid"
    timeout 20 tail --pid="$pid" -s 0.05 -f /dev/null
fi
# With live restore an engine leaves its helpers behind.
for process in /proc/[0-9]*; do
    tr '\0' ' ' <"$process/cmdline" | grep -q "containerd.*$dir/exec" && kill -9 "${process#/proc/}"
done
grep -F " $dir/" /proc/self/mounts | cut -d' ' -f2 | sort -r | while read -r path; do
    umount -l "$path"
done
rm -rf "$dir"
"#;

/// An engine.
#[derive(Debug)]
pub struct DockerEngine {
    dir: PathBuf,
    /// Where its programs are, if not where the system has them.
    programs: Option<PathBuf>,
    live_restore: bool,
    /// The second byte of its networks' addresses.
    octet: u8,
    dockerd: Option<Child>,
    sweeper: Child,
}

impl DockerEngine {
    /// The engine that tests share which leave it as it is.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<DockerEngine> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(false))
    }

    /// An engine that ends when it is dropped. With live restore its containers outlive its stops.
    pub fn start(live_restore: bool) -> Self {
        Self::start_with(live_restore, None)
    }

    /// An engine of another version: the one whose programs are in the directory that the variable
    /// names. None where it is not set; `cargo xtask test` sets it.
    pub fn start_newer() -> Option<Self> {
        let programs = std::env::var_os(NEWER_ENGINE)?;
        Some(Self::start_with(false, Some(programs.into())))
    }

    fn start_with(live_restore: bool, programs: Option<PathBuf>) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("lf-docker-")
            .tempdir()
            .expect("a directory")
            .keep();
        let sweeper = Command::new("sh")
            .args(["-c", SWEEPER, "sweeper"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a sweeper");
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        let mut engine = Self {
            dir,
            programs,
            live_restore,
            // Above what clouds and home networks use most, below what Docker takes by itself.
            octet: 64 + u8::try_from(random % 128).expect("a small number"),
            dockerd: None,
            sweeper,
        };
        engine.start_daemon();
        engine.import_image();
        engine
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("sock")
    }

    /// Starts the daemon after [`DockerEngine::stop_daemon`].
    pub fn start_daemon(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .expect("a log");
        let path = |name: &str| self.dir.join(name).into_os_string();
        let mut dockerd = self.dockerd_command();
        dockerd
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .arg("-H")
            .arg(format!("unix://{}", self.socket().display()))
            // The host's own network is none of its business.
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--ip-forward=false", "--ip-masq=false"])
            .arg(format!("--live-restore={}", self.live_restore))
            .args(["--shutdown-timeout", "2"])
            .arg("--default-address-pool")
            .arg(format!("base=10.{}.0.0/16,size=26", self.octet))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        let child = dockerd.spawn().expect(
            "dockerd, which `cargo xtask test` installs: these tests need root and docker.io",
        );
        self.dockerd = Some(child);
        self.wait_until("answers", |engine| {
            engine
                .client()
                .arg("version")
                .status()
                .is_ok_and(|s| s.success())
        });
    }

    fn dockerd_command(&self) -> Command {
        let Some(programs) = &self.programs else {
            return Command::new("dockerd");
        };
        let mut dockerd = Command::new(programs.join("dockerd"));
        // It looks for containerd and its other helpers there.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(programs.clone()).chain(std::env::split_paths(&path));
        dockerd.env("PATH", std::env::join_paths(path).expect("a path"));
        dockerd
    }

    /// Ends the daemon as the system does when it restarts it.
    pub fn stop_daemon(&mut self) {
        let Some(mut dockerd) = self.dockerd.take() else {
            return;
        };
        let ended = Command::new("kill").arg(dockerd.id().to_string()).status();
        assert!(ended.is_ok_and(|status| status.success()), "no kill");
        self.wait_until("ends", |_| {
            dockerd.try_wait().is_ok_and(|end| end.is_some())
        });
    }

    /// Runs a command of the client; what it printed.
    pub fn docker(&self, args: &[&str]) -> String {
        printed(self.client().args(args))
    }

    /// The client of this engine, with nothing to read and its output thrown away.
    pub fn client(&self) -> Command {
        let mut client = Command::new(DOCKER);
        client
            .arg("-H")
            .arg(format!("unix://{}", self.socket().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        client
    }

    /// Puts busybox into an image: a shell and small tools.
    fn import_image(&self) {
        let root = self.dir.join("image");
        busybox_root(&root);
        self.import(&root, IMAGE);
    }

    /// Makes sure of the images that those of the examples are built from.
    pub fn base_images(&self) {
        self.make_images(&[]);
    }

    /// Makes sure of images that there are recipes for; without a name, of those that the examples
    /// are built from. What they hold is kept in the user's cache, which the first time takes
    /// minutes to fill.
    pub fn make_images(&self, names: &[&str]) {
        let make = concat!(env!("CARGO_MANIFEST_DIR"), "/images/make");
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        let made = Command::new(make)
            .arg("--docker")
            .arg(format!("{DOCKER} -H unix://{}", self.socket().display()))
            .arg("--cache")
            .arg(cache.unwrap_or_else(home).join("landfall/images"))
            .args(names)
            .stdin(Stdio::null())
            .output()
            .expect("the script runs");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "no images: {said}");
    }

    /// Makes an image of a directory.
    pub fn import(&self, root: &Path, name: &str) {
        let tar = self.dir.join("image.tar");
        let packed = Command::new("tar")
            .arg("-cf")
            .arg(&tar)
            .arg("-C")
            .arg(root)
            .arg(".")
            .status();
        assert!(packed.is_ok_and(|status| status.success()), "no tar");
        self.docker(&["import", &tar.to_string_lossy(), name]);
    }

    /// Builds the image that the Dockerfile of a directory describes; its id.
    pub fn build(&self, dir: &Path) -> String {
        let mut client = self.client();
        client.env("DOCKER_BUILDKIT", "0");
        printed(client.args(["build", "--network=none", "--quiet"]).arg(dir))
    }

    /// Builds the image that the Dockerfile of a directory describes, by BuildKit and with the
    /// host's network, under a name.
    pub fn build_with_network(&self, dir: &Path, name: &str) {
        let mut client = self.client();
        client.env("DOCKER_BUILDKIT", "1");
        let args = ["build", "--network=host", "--quiet", "--tag", name];
        printed(client.args(args).arg(dir));
    }

    fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            let ended = self.dockerd.as_mut().and_then(|d| d.try_wait().ok()?);
            if ended.is_some() || Instant::now() > deadline {
                panic!("no engine that {what}:\n{}", log_end(&self.dir.join("log")));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// What a command of the client that succeeds printed.
fn printed(client: &mut Command) -> String {
    let client = client.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = client.output().expect("the client of docker.io");
    assert!(
        output.status.success(),
        "{client:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Drop for DockerEngine {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        if let Some(dockerd) = &mut self.dockerd {
            let _ = dockerd.wait();
        }
        let _ = self.sweeper.wait();
    }
}

/// A root directory with a shell and small tools.
pub fn busybox_root(root: &Path) {
    std::fs::create_dir_all(root.join("bin")).expect("a directory");
    std::fs::create_dir_all(root.join("tmp")).expect("a directory");
    std::fs::copy("/bin/busybox", root.join("bin/busybox"))
        .expect("busybox-static, which `cargo xtask test` installs");
    for tool in busybox_tools() {
        let link = root.join("bin").join(tool);
        std::os::unix::fs::symlink("busybox", link).expect("a link");
    }
}

fn busybox_tools() -> impl Iterator<Item = &'static str> {
    "sh cat chmod echo env sleep nc id kill ln ls mkfifo rm seq stat touch wget nslookup hostname true false httpd"
        .split(' ')
}

fn log_end(path: &Path) -> String {
    let log = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
