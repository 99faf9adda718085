//! Files of the contexts, as BuildKit copies them.
//!
//! Both sides speak at once: we tell of every file by its place in the list, the engine asks for
//! the content of those that it wants, and gets it in pieces. When it has all it says so, and so do
//! we.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSync;
use futures_util::stream::Empty;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::image::context::{ContextDir, Entry};

/// Bytes of content in one packet. Engines take no message over 4 MiB.
const PIECE: usize = 64 << 10;
/// Packets on their way to the connection.
const AHEAD: usize = 64;
/// Permissions of files that exist only here.
const READABLE: u32 = 0o644;

const NANOSECONDS: i64 = 1_000_000_000;

/// Directories, by the names by which the engine asks for them.
#[derive(Debug)]
pub(in crate::image) struct Files(pub BTreeMap<String, Arc<Directory>>);

/// A directory that the engine may ask for.
#[derive(Debug)]
pub(in crate::image) enum Directory {
    /// One of the source tree.
    Context(ContextDir),
    /// One that exists only here: names and contents.
    Virtual(BTreeMap<&'static str, Vec<u8>>),
}

type Packets = mpsc::Sender<Result<Packet, Status>>;

#[tonic::async_trait]
impl FileSync for Files {
    type DiffCopyStream = ReceiverStream<Result<Packet, Status>>;
    type TarStreamStream = Empty<Result<Packet, Status>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let name = request.metadata().get("dir-name");
        let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
        let unknown = || Status::not_found(format!("the build has no directory {name:?}"));
        let directory = self.0.get(name).cloned().ok_or_else(unknown)?;
        let (packets, stream) = mpsc::channel(AHEAD);
        let asked = request.into_inner();
        tokio::spawn(async move {
            if let Err(status) = send(directory, asked, &packets).await {
                let _ = packets.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("send an archive"))
    }
}

/// Carries out one copy to its end.
async fn send(
    directory: Arc<Directory>,
    mut asked: Streaming<Packet>,
    packets: &Packets,
) -> Result<(), Status> {
    let items = Arc::new(blocking(move || items(&directory)).await?);
    let (want, wanted) = mpsc::unbounded_channel();
    let listen = async move {
        while let Some(packet) = asked.message().await? {
            match packet.r#type() {
                PacketType::PacketReq => drop(want.send(packet.id)),
                PacketType::PacketErr => {
                    return Err(Status::aborted(String::from_utf8_lossy(&packet.data)));
                }
                PacketType::PacketFin => break,
                PacketType::PacketStat | PacketType::PacketData => {}
            }
        }
        Ok(())
    };
    let tell = {
        let (items, packets) = (items.clone(), packets.clone());
        blocking(move || {
            tell(&items, &packets);
            Ok(())
        })
    };
    let answer = {
        let packets = packets.clone();
        blocking(move || answer(&items, wanted, &packets))
    };
    tokio::try_join!(listen, tell, answer)?;
    let _ = packets.send(Ok(packet(PacketType::PacketFin))).await;
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Status::internal(error.to_string())))
}

/// What the engine is told of, and may ask for.
struct Item {
    stat: Stat,
    content: Content,
}

/// Where the content of an item is.
enum Content {
    /// It has none.
    Nothing,
    File(PathBuf),
    Bytes(Vec<u8>),
}

fn items(directory: &Directory) -> Result<Vec<Item>, Status> {
    match directory {
        Directory::Context(context) => {
            let failed = |error: &dyn std::error::Error| Status::aborted(error.to_string());
            let entries = context.entries().map_err(|error| failed(&error))?;
            let items = entries.iter().map(|entry| item(&context.root, entry));
            items
                .collect::<io::Result<_>>()
                .map_err(|error| failed(&error))
        }
        Directory::Virtual(files) => Ok(files
            .iter()
            .map(|(name, bytes)| Item {
                stat: Stat {
                    path: (*name).to_owned(),
                    mode: READABLE,
                    size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
                    ..Stat::default()
                },
                content: Content::Bytes(bytes.clone()),
            })
            .collect()),
    }
}

fn item(root: &Path, entry: &Entry) -> io::Result<Item> {
    let metadata = &entry.metadata;
    let path = root.join(&entry.path);
    let mut stat = Stat {
        path: entry.path.clone(),
        mode: go_mode::of(metadata),
        mod_time: metadata.mtime() * NANOSECONDS + metadata.mtime_nsec(),
        ..Stat::default()
    };
    let content = if metadata.is_file() {
        stat.size = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
        Content::File(path)
    } else {
        if metadata.is_symlink() {
            stat.linkname = fs::read_link(&path)?.to_string_lossy().into_owned();
        }
        Content::Nothing
    };
    Ok(Item { stat, content })
}

/// Tells of all items. Who does not listen any more has what it wants, or went away.
fn tell(items: &[Item], packets: &Packets) {
    let each = items.iter().map(|item| Packet {
        stat: Some(item.stat.clone()),
        ..packet(PacketType::PacketStat)
    });
    // One without an item is the end of the list.
    for packet in each.chain([packet(PacketType::PacketStat)]) {
        if packets.blocking_send(Ok(packet)).is_err() {
            return;
        }
    }
}

/// Sends the content of what is asked for, until nothing is any more.
fn answer(
    items: &[Item],
    mut wanted: mpsc::UnboundedReceiver<u32>,
    packets: &Packets,
) -> Result<(), Status> {
    while let Some(id) = wanted.blocking_recv() {
        let item = usize::try_from(id).ok().and_then(|id| items.get(id));
        let Some(item) = item else {
            return Err(Status::invalid_argument(format!("no file has number {id}")));
        };
        let failed = |error: io::Error| Status::aborted(format!("{}: {error}", item.stat.path));
        match &item.content {
            Content::Nothing => send_content(id, io::empty(), packets),
            Content::Bytes(bytes) => send_content(id, bytes.as_slice(), packets),
            Content::File(path) => {
                File::open(path).and_then(|file| send_content(id, file, packets))
            }
        }
        .map_err(failed)?;
    }
    Ok(())
}

fn send_content(id: u32, mut from: impl Read, packets: &Packets) -> io::Result<()> {
    loop {
        let mut data = Vec::with_capacity(PIECE);
        from.by_ref().take(PIECE as u64).read_to_end(&mut data)?;
        // Nothing in it is the end of the file.
        let is_end = data.is_empty();
        let piece = Packet {
            id,
            data,
            ..packet(PacketType::PacketData)
        };
        if packets.blocking_send(Ok(piece)).is_err() || is_end {
            return Ok(());
        }
    }
}

fn packet(kind: PacketType) -> Packet {
    Packet {
        r#type: kind.into(),
        ..Packet::default()
    }
}

/// How Go writes what a file is, which is what BuildKit speaks.
mod go_mode {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt as _;

    const DIRECTORY: u32 = 1 << 31;
    const LINK: u32 = 1 << 27;
    const PERMISSIONS: u32 = 0o777;
    /// The bits of the system and those of Go: set user, set group, sticky.
    const SPECIAL: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];

    pub(super) fn of(metadata: &Metadata) -> u32 {
        let mode = metadata.mode();
        let mut go = mode & PERMISSIONS;
        for (system, bit) in SPECIAL {
            if mode & system != 0 {
                go |= bit;
            }
        }
        if metadata.is_dir() {
            go |= DIRECTORY;
        }
        if metadata.is_symlink() {
            go |= LINK;
        }
        go
    }
}
