//! Where bytes are counted that pass.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Result;

/// Loopback, port by port: a way to an address on which every byte is counted.
#[derive(Debug)]
pub struct Wire {
    /// Where it begins.
    pub port: u16,
    there: Arc<AtomicU64>,
    back: Arc<AtomicU64>,
}

/// What has passed, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// To the address.
    pub there: u64,
    /// From it.
    pub back: u64,
}

impl Passed {
    /// Both directions.
    pub fn both(self) -> u64 {
        self.there + self.back
    }
}

impl Wire {
    /// A way to this address, for as long as the program runs.
    ///
    /// # Errors
    /// When there is no port.
    pub fn to(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (there, back) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let counts = [there.clone(), back.clone()];
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                if let Ok(to) = TcpStream::connect(address) {
                    join(&from, &to, &counts);
                }
            }
        });
        Ok(Self { port, there, back })
    }

    /// What has passed since the last look.
    pub fn passed(&self) -> Passed {
        Passed {
            there: self.there.swap(0, Ordering::SeqCst),
            back: self.back.swap(0, Ordering::SeqCst),
        }
    }
}

fn join(one: &TcpStream, other: &TcpStream, counts: &[Arc<AtomicU64>; 2]) {
    for ((from, to), count) in [(one, other), (other, one)].into_iter().zip(counts) {
        // What is written small is meant to go at once: it does without this, too.
        let at_once = to.set_nodelay(true);
        let (Ok(()), Ok(mut from), Ok(to)) = (at_once, from.try_clone(), to.try_clone()) else {
            return;
        };
        let counted = count.clone();
        thread::spawn(move || {
            let mut out = Counting { out: to, counted };
            let _ = io::copy(&mut from, &mut out);
            // Its end is the other side's end as well.
            let _ = out.out.shutdown(Shutdown::Write);
        });
    }
}

/// A writer that counts.
pub struct Counting<W> {
    /// Where it goes.
    pub out: W,
    /// What went.
    pub counted: Arc<AtomicU64>,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.counted.fetch_add(written as u64, Ordering::SeqCst);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
