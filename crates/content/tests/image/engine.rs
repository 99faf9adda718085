//! Real engines: what one exports another one loads, under the same id.

use std::io::{self, Read};
use std::path::Path;

use bollard::Docker;
use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt as _;
use landfall_content::ContentStore;
use landfall_content::image::{ImageError, IngestedImage, LoadSpec};
use landfall_model::Digest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::engine_fixture::{DockerEngine, busybox_root};
use crate::exports::new_store;
use crate::support::noise;

/// Pieces of a stream that wait: a bound, because images do not fit into memory.
const WAITING: usize = 4;

/// The image of several layers, with links, whiteouts, long names, an empty layer and attributes.
const DOCKERFILE: &str = r#"
FROM scratch
COPY root /
RUN ["chmod", "4755", "/bin/busybox"]
COPY many /app/many
COPY big /app/big
ENV A=1
RUN rm /app/many/2 && ln -s big /app/link && ln /app/big /app/hard && mkfifo /app/pipe
COPY many /app/many
RUN ["sh", "-c", "echo same >/app/many/1; touch -d @1 /app/many/1 /app/many /app"]
WORKDIR /app
CMD ["cat", "many/1"]
"#;

fn client(engine: &DockerEngine) -> Docker {
    let socket = engine.socket();
    Docker::connect_with_unix(&socket.to_string_lossy(), 60, bollard::API_DEFAULT_VERSION)
        .expect("a client")
}

/// A stream of the engine, to be read by a thread.
struct Pipe {
    from: mpsc::Receiver<Bytes>,
    rest: Bytes,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.from.blocking_recv() {
                Some(piece) => self.rest = piece,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.rest.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

/// A stream to the engine, written by a thread.
struct Spout(mpsc::Sender<io::Result<Bytes>>);

impl io::Write for Spout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        let sent = self.0.blocking_send(piece);
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn export(
    engine: &DockerEngine,
    store: &ContentStore,
    id: Digest,
) -> Result<IngestedImage, ImageError> {
    let (to, from) = mpsc::channel(WAITING);
    let store = store.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let rest = Bytes::new();
        store.ingest_image(&id, &mut Pipe { from, rest })
    });
    let docker = client(engine);
    let mut stream = Box::pin(docker.export_image(&id.to_string()));
    while let Some(piece) = stream.next().await {
        if to.send(piece.expect("a piece")).await.is_err() {
            break;
        }
    }
    drop(to);
    reading.await.expect("no panic")
}

/// Loads an image; what the engine said against it.
async fn load(
    engine: &DockerEngine,
    store: &ContentStore,
    id: Digest,
    spec: LoadSpec,
) -> Result<u64, String> {
    let (to, from) = mpsc::channel(WAITING);
    let store = store.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::with_capacity(64 << 10, Spout(to));
        store.write_image(&id, &spec, &mut out)
    });
    let options = ImportImageOptionsBuilder::default().quiet(true).build();
    let docker = client(engine);
    let mut said = Box::pin(docker.import_image_stream(options, ReceiverStream::new(from), None));
    let mut refusal = None;
    while let Some(line) = said.next().await {
        if let Err(error) = line {
            refusal.get_or_insert(error.to_string());
        }
    }
    let written = writing.await.expect("no panic");
    match refusal {
        None => written.map_err(|error| error.to_string()),
        Some(refusal) => Err(refusal),
    }
}

fn context(dir: &Path, seed: u64) {
    busybox_root(&dir.join("root"));
    let long = "directory-with-a-long-name-".repeat(4);
    let many = dir.join("many").join(&long).join(&long);
    std::fs::create_dir_all(&many).expect("a directory");
    for number in 0..40 {
        let name = dir.join("many").join(number.to_string());
        std::fs::write(name, noise(number, 500)).expect("a file");
    }
    std::fs::write(many.join("deep"), b"deep").expect("a file");
    std::fs::write(dir.join("big"), noise(seed, 6 << 20)).expect("a file");
    std::fs::write(dir.join("Dockerfile"), DOCKERFILE).expect("a file");
}

fn build(engine: &DockerEngine, seed: u64) -> Digest {
    let dir = tempfile::tempdir().expect("a directory");
    context(dir.path(), seed);
    let id = engine.build(dir.path());
    id.parse().expect("an id")
}

fn layers(engine: &DockerEngine, id: &Digest) -> Vec<Digest> {
    let format = "{{json .RootFS.Layers}}";
    let json = engine.docker(&["image", "inspect", "--format", format, &id.to_string()]);
    serde_json::from_str(&json).expect("layers")
}

/// Brings an image from one engine to another and back into being, and a changed one after it.
async fn brings_images_over(from: &DockerEngine, to: &DockerEngine) {
    let (_home, store) = new_store();
    let first = build(from, 1);
    let ingested = export(from, &store, first).await.expect("the first image");
    assert_eq!(
        store.image(&first).expect("it").layers().len(),
        ingested.layers
    );
    let names = vec!["shop/web:1".to_owned()];
    let spec = LoadSpec {
        names,
        present_layers: 0,
    };
    let all = load(to, &store, first, spec).await.expect("the first");
    let named = to.docker(&["image", "inspect", "--format", "{{.Id}}", "shop/web:1"]);
    assert_eq!(named, first.to_string());
    assert_eq!(layers(to, &first), layers(from, &first));
    let content = to.docker(&["run", "--rm", "--network=none", &first.to_string()]);
    assert_eq!(content, "same");

    let second = build(from, 2);
    let more = export(from, &store, second)
        .await
        .expect("the second image");
    assert!(more.new_bytes < 7 << 20, "{} bytes are new", more.new_bytes);
    let index = store.image(&second).expect("it");
    let present = index.shared_layers(&layers(to, &first));
    assert!(present > 1, "{present} layers are shared");
    // What the engine has not, it does not do without.
    let without = |present_layers| LoadSpec {
        present_layers,
        ..LoadSpec::default()
    };
    let refusal = load(to, &store, second, without(present + 1)).await;
    assert!(refusal.is_err(), "{refusal:?}");
    let some = load(to, &store, second, without(present)).await;
    let some = some.expect("the second");
    assert!(some < all, "{some} of {all} bytes");
    assert_eq!(layers(to, &second), layers(from, &second));
    let content = to.docker(&["run", "--rm", "--network=none", &second.to_string()]);
    assert_eq!(content, "same");
    assert_eq!(store.verify().expect("a store").broken, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_the_engine_are_loaded_by_another_under_the_same_id() {
    let (from, to) = (DockerEngine::start(false), DockerEngine::start(false));
    brings_images_over(&from, &to).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_a_newer_engine_are_loaded_by_it_and_by_the_older_one_and_back() {
    let Some(newer) = DockerEngine::start_newer() else {
        return;
    };
    let (older, another) = (
        DockerEngine::start(false),
        DockerEngine::start_newer().expect("another one"),
    );
    brings_images_over(&newer, &another).await;
    brings_images_over(&newer, &older).await;
    brings_images_over(&older, &newer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_the_engine_does_not_have_leaves_nothing() {
    let engine = DockerEngine::start(false);
    let (_home, store) = new_store();
    let id = crate::exports::sha256(b"no image");
    let docker = client(&engine);
    let refused = Box::pin(docker.export_image(&id.to_string())).next().await;
    assert!(refused.expect("an answer").is_err());
    assert!(store.ingest_image(&id, &mut io::empty()).is_err());
    assert!(store.images().expect("a store").is_empty());
}
