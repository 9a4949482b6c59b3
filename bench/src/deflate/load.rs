//! The client: it writes everything at once, reads all echoes, stops the clock, and then checks them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use host_tests::deflate::{NAME, Peer};
use host_tests::heads;
use host_tests::usage::Usage;
use host_tests::wire::{self, FIN, RSV1, TEXT};
use serde::Serialize;

use super::corpus::Corpus;
use crate::servers::Server;

/// A timeout longer than any pass takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The measurements of one connection that had all messages echoed.
#[derive(Serialize)]
pub(crate) struct Pass {
    /// Bytes of payload.
    bytes: usize,
    /// Bytes that the server wrote.
    written: usize,
    seconds: f64,
    /// Processor time of the server, in seconds.
    cpu: f64,
}

impl Pass {
    /// Bytes of payload a second.
    pub(crate) fn rate(&self) -> f64 {
        self.bytes as f64 / self.seconds
    }

    /// Seconds of the server's processor time for each byte of payload.
    pub(crate) fn cpu(&self) -> f64 {
        self.cpu / self.bytes as f64
    }

    /// Bytes that the server wrote for each byte of payload.
    pub(crate) fn share(&self) -> f64 {
        self.written as f64 / self.bytes as f64
    }
}

pub(crate) fn pass(server: &Server, corpus: &Corpus) -> Result<Pass> {
    let mut socket = open(server)?;
    let mut writer = socket.try_clone()?;
    let before = Usage::of(server.process.id())?.cpu;
    let start = Instant::now();
    let echoed = thread::scope(|scope| {
        let writing = scope.spawn(move || writer.write_all(&corpus.wire));
        let echoed = read(&mut socket, corpus.messages.len());
        writing
            .join()
            .map_err(|_| anyhow::anyhow!("the writer has panicked"))??;
        echoed
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = Usage::of(server.process.id())?.cpu - before;
    check(&echoed, corpus)?;
    Ok(Pass {
        bytes: corpus.bytes(),
        written: echoed.len(),
        seconds,
        cpu: cpu.as_secs_f64(),
    })
}

/// Opens a connection that has negotiated permessage-deflate and nothing else.
fn open(server: &Server) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(server.address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(&heads::request_with(&[("Sec-WebSocket-Extensions", NAME)]))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while heads::end(&head).is_none() {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head)?;
    let agreed = heads::field(&head, "Sec-WebSocket-Extensions");
    ensure!(agreed == Some(NAME), "it agreed to {agreed:?}: {head}");
    Ok(socket)
}

/// Reads until this many frames have arrived, and returns their bytes.
fn read(socket: &mut TcpStream, frames: usize) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    let (mut count, mut at) = (0, 0);
    while count < frames {
        let length = socket.read(&mut buffer).context("nothing comes back")?;
        ensure!(length > 0, "the connection ends after {count} messages");
        all.extend_from_slice(&buffer[..length]);
        while let Some(length) = wire::frame_length(&all[at..]) {
            at += length;
            count += 1;
        }
    }
    Ok(all)
}

fn check(echoed: &[u8], corpus: &Corpus) -> Result<()> {
    let mut peer = Peer::default();
    let frames = wire::read_frames(echoed);
    ensure!(
        frames.len() == corpus.messages.len(),
        "{} frames",
        frames.len()
    );
    for (number, (frame, message)) in frames.iter().zip(&corpus.messages).enumerate() {
        let payload = match frame.first {
            first if first == FIN | RSV1 | TEXT => peer.inflates(&frame.payload, corpus.size),
            first => bail!("message {number} came in a frame that begins with {first:02x}"),
        };
        ensure!(
            payload == message.as_bytes(),
            "message {number} is another one"
        );
    }
    Ok(())
}
