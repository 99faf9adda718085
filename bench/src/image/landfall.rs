//! Landfall's way: out of the engine into one store, to the other, and into the other engine.

use std::io::{BufReader, BufWriter, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use landfall_content::ContentStore;
use landfall_content::image::{LoadSpec, Object};
use landfall_model::Digest;

use super::Trip;
use super::sides::Sides;
use super::ways::{ended, spawn};
use crate::docker::{Engine, output};
use crate::process::Workplace;
use crate::wire::Counting;

/// What asking for one object takes: its digest.
const ASKING: u64 = 32;
/// What the engine's pipe takes at once.
const BUFFER: usize = 256 << 10;

/// The stores beside the engines.
pub struct Stores {
    sender: ContentStore,
    server: ContentStore,
}

impl Stores {
    /// New ones.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn new(place: &Workplace, case: &str) -> Result<Self> {
        let open = |name| {
            ContentStore::open(&place.dir(&format!("{name}-store-{case}"))?)
                .map_err(anyhow::Error::from)
        };
        Ok(Self {
            sender: open("sender")?,
            server: open("server")?,
        })
    }

    /// Brings an image over, to a server that has `before`. The trip, and the seconds of its parts.
    ///
    /// # Errors
    /// When an engine or a store fails.
    pub fn bring(
        &self,
        sides: &Sides,
        image: &str,
        before: Option<&str>,
    ) -> Result<(Trip, [f64; 3])> {
        let id: Digest = image.parse()?;
        let began = Instant::now();
        let mut save = spawn(sides.sender.docker(&["save", image]), false)?;
        let mut export = save.stdout.take().context("no output")?;
        let _held = self.sender.ingest_image(&id, &mut export)?;
        ended(save)?;
        let out = began.elapsed().as_secs_f64();

        let bytes = self.transfer(&id)?;
        let over = began.elapsed().as_secs_f64();

        let has = before.map_or(Ok(Vec::new()), |before| layers(&sides.server, before))?;
        let spec = LoadSpec {
            names: Vec::new(),
            present_layers: self.server.image(&id)?.shared_layers(&has),
        };
        let mut load = spawn(sides.server.docker(&["load", "--quiet"]), true)?;
        let input = load.stdin.take().context("no input")?;
        let mut input = BufWriter::with_capacity(BUFFER, input);
        self.server.write_image(&id, &spec, &mut input)?;
        drop(input);
        ended(load)?;
        let time = began.elapsed();
        let into = time.as_secs_f64();
        Ok((Trip { bytes, time }, [out, over - out, into - over]))
    }

    /// What travels, in bytes, both directions.
    fn transfer(&self, id: &Digest) -> Result<u64> {
        let sender = self.sender.send_image(id)?;
        let mut receiver = self.server.receive_image(id, sender.root())?;
        let counted = Arc::new(AtomicU64::new(0));
        loop {
            let missing = receiver.missing()?;
            if missing.is_empty() {
                receiver.finish()?;
                return Ok(counted.load(Ordering::SeqCst));
            }
            counted.fetch_add(missing.len() as u64 * ASKING, Ordering::SeqCst);
            let (from, to) = std::io::pipe()?;
            let sending = |objects: &[Object]| {
                let out = Counting {
                    out: to,
                    counted: counted.clone(),
                };
                let mut out = BufWriter::with_capacity(BUFFER, out);
                sender.send(objects, &mut out)?;
                out.flush()?;
                Ok::<(), anyhow::Error>(())
            };
            thread::scope(|scope| {
                let sent = scope.spawn(|| sending(&missing));
                receiver.receive(&missing, &mut BufReader::with_capacity(BUFFER, from))?;
                sent.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })?;
        }
    }
}

fn layers(engine: &Engine, image: &str) -> Result<Vec<Digest>> {
    let format = "{{json .RootFS.Layers}}";
    let json = output(engine.docker(&["image", "inspect", "--format", format, image]))?;
    Ok(serde_json::from_str(&json)?)
}
