//! Bringing a tree to a server: offered, sent as what is missing, finished. A transfer that is cut
//! goes on where it was.

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use landfall_content::ContentStore;
use landfall_content::transfer::{Limited, Sent, TransferError, TreeWants};
use landfall_model::{AppName, Digest, EnvironmentName};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::client::{Client, ClientError, Query};
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::deployment::LocalStep;
use crate::printer::human;

/// Attempts in a row that bring nothing, before it is given up.
const FRUITLESS: u32 = 6;
/// Time before the next attempt.
const PAUSE: Duration = Duration::from_secs(2);
/// What is handed to the connection at once, in bytes.
const PIECE: usize = 64 << 10;
/// Pieces that wait for the connection.
const PIECES: usize = 16;
/// Time between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What was brought.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Brought {
    /// Bytes of content that the server lacked.
    pub content: u64,
    /// Bytes that went over the wire for it.
    pub wire: u64,
}

impl AddAssign for Brought {
    fn add_assign(&mut self, other: Self) {
        self.content += other.content;
        self.wire += other.wire;
    }
}

/// How far the content of one attempt has come.
#[derive(Debug, Default)]
struct Progress {
    content: AtomicU64,
    wire: AtomicU64,
}

/// A tree, and what of the server it may resemble.
pub(super) struct Goods<'a> {
    /// The tree.
    pub tree: &'a Digest,
    /// Trees that the server has.
    pub known: &'a [Digest],
    /// Whose source it is, where it is a source tree.
    pub source_of: Option<(&'a AppName, &'a EnvironmentName)>,
}

/// Brings a tree.
pub(super) async fn bring(
    client: &Client,
    content: &ContentStore,
    goods: &Goods<'_>,
    limit: Option<NonZeroU64>,
    step: &mut LocalStep<'_>,
) -> CommandResult<Brought> {
    let tree = goods.tree;
    let (mut all, mut fruitless, mut left) = (Brought::default(), 0, u64::MAX);
    loop {
        let wants = offer(client, content, goods).await;
        let sent = match wants {
            Ok((wants, _)) if wants.is_empty() => {
                let finish = format!("/v1/trees/{tree}/finish");
                client.command(&finish, &()).await?;
                return Ok(all);
            }
            Ok((wants, index)) => {
                all.wire += index;
                if wants.bytes < left {
                    (left, fruitless) = (wants.bytes, 0);
                }
                send(client, content, tree, wants, limit, step, &mut all).await
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => {}
            Err(Failure::Client(error)) if is_passing(&error) && fruitless < FRUITLESS => {
                fruitless += 1;
                step.remark("the connection broke off; going on where it was");
                tokio::time::sleep(PAUSE).await;
            }
            Err(Failure::Client(error)) => return Err(error.into()),
            Err(Failure::Content(error)) => {
                let failed = CommandError::from_error(ErrorKind::Unexpected, &error);
                return Err(failed.during("failed to send what was built"));
            }
        }
    }
}

enum Failure {
    Client(ClientError),
    Content(TransferError),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        Self::Content(error)
    }
}

/// Whether another attempt may do better.
fn is_passing(error: &ClientError) -> bool {
    error.is_transient() || error.code() == Some("offer-again")
}

/// What the server lacks, and the bytes that it took to say what the tree is.
async fn offer(
    client: &Client,
    content: &ContentStore,
    goods: &Goods<'_>,
) -> Result<(TreeWants, u64), Failure> {
    let Goods {
        tree,
        known,
        source_of,
    } = goods;
    let index = content.send_tree(tree)?.index(known)?;
    let bases: Vec<String> = known.iter().map(ToString::to_string).collect();
    let path = Query::new(format!("/v1/trees/{tree}/offer"))
        .with("bases", Some(bases.join(",")))
        .with("app", source_of.map(|(app, _)| app))
        .with("environment", source_of.map(|(_, environment)| environment))
        .build();
    let size = index.len() as u64;
    match client.exchange(&path, Bytes::from(index)).await {
        Ok(wants) => Ok((wants, size)),
        Err(error) if error.code() == Some("no-base") => {
            let index = content.send_tree(tree)?.index(&[])?;
            let whole = index.len() as u64;
            let wants = client.exchange(&path, Bytes::from(index)).await?;
            Ok((wants, size + whole))
        }
        Err(error) => Err(error.into()),
    }
}

async fn send(
    client: &Client,
    content: &ContentStore,
    tree: &Digest,
    wants: TreeWants,
    limit: Option<NonZeroU64>,
    step: &mut LocalStep<'_>,
    all: &mut Brought,
) -> Result<(), Failure> {
    let (pieces, received) = mpsc::channel::<Bytes>(PIECES);
    let progress = Arc::new(Progress::default());
    let (store, digest, told) = (content.clone(), *tree, progress.clone());
    let (due, since) = (wants.bytes, Instant::now());
    let sending = tokio::task::spawn_blocking(move || {
        let pieces = Pieces::new(pieces);
        let mut out: Box<dyn Write> = match limit {
            Some(rate) => Box::new(Limited::new(pieces, rate)),
            None => Box::new(pieces),
        };
        let sender = store.send_tree(&digest)?;
        let sent = sender.send(&wants, &mut out, &|sent: Sent| {
            told.content.store(sent.content_bytes, Ordering::Relaxed);
            told.wire.store(sent.wire_bytes, Ordering::Relaxed);
        });
        sent.and_then(|_| {
            let operation = "send the end of a tree";
            let flushed = out.flush();
            flushed.map_err(|source| TransferError::Stream { operation, source })
        })
    });
    let path = format!("/v1/trees/{tree}/content");
    let upload = client.upload(&path, ReceiverStream::new(received));
    tokio::pin!(upload);
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let uploaded = loop {
        tokio::select! {
            uploaded = &mut upload => break uploaded,
            _ = tick.tick() => step.message(&progress.told(due, since)),
        }
    };
    all.content += progress.content.load(Ordering::Relaxed);
    all.wire += progress.wire.load(Ordering::Relaxed);
    // What the server says goes before what the broken pipe to it says.
    uploaded?;
    match sending.await {
        Ok(sent) => Ok(sent?),
        Err(error) => {
            let (operation, source) = ("send a tree", io::Error::other(error));
            Err(TransferError::Stream { operation, source }.into())
        }
    }
}

impl Progress {
    /// How far it is, how fast, and how long it will take.
    fn told(&self, due: u64, since: Instant) -> String {
        let content = self.content.load(Ordering::Relaxed);
        let wire = self.wire.load(Ordering::Relaxed);
        let seconds = since.elapsed().as_secs_f64();
        let rate = wire as f64 / seconds.max(0.1);
        let mut told = format!(
            "{} of {}, {}/s",
            human::bytes(content),
            human::bytes(due),
            human::bytes(rate as u64)
        );
        if content > 0 && seconds > 1.0 {
            let rest = due.saturating_sub(content) as f64 * seconds / content as f64;
            let rest = Duration::from_secs_f64(rest);
            told.push_str(&format!(", {} left", human::coarse(rest)));
        }
        told
    }
}

/// Hands what is written to a connection, piece by piece, as fast as that takes it.
struct Pieces {
    connection: mpsc::Sender<Bytes>,
    piece: BytesMut,
}

impl Pieces {
    fn new(connection: mpsc::Sender<Bytes>) -> Self {
        Self {
            connection,
            piece: BytesMut::with_capacity(PIECE),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.piece, BytesMut::with_capacity(PIECE));
        let sent = self.connection.blocking_send(full.freeze());
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
