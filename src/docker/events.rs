//! What the engine announces about its networks, as a stream that one can wait for.
//!
//! Not through `ureq`: that waits for an answer, and this one never ends. Nothing is read out of an
//! announcement: who hears one looks at everything again.

use super::SOCKET;
use crate::host::Host;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// `{"type":["network"]}`
const FILTERS: &str = "%7B%22type%22%3A%5B%22network%22%5D%7D";

/// The head of an answer is a few hundred bytes.
const LONGEST_HEAD: usize = 16 << 10;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What came in since the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    /// From now on every change is announced.
    Ready,
    Change,
    /// It has hung up, or says something else than was asked for.
    End,
}

#[derive(Debug)]
pub struct Events {
    stream: UnixStream,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// It is asked which version it speaks: while it starts, it lets everybody wait.
    Ping(Vec<u8>),
    /// It is asked for its announcements.
    Head(Vec<u8>),
    Announcing,
}

impl Events {
    /// Asks for them, and does not wait for an answer. The engine must run: a connection to a
    /// stopped one could start it.
    pub fn ask(host: &Host) -> io::Result<Events> {
        Ok(Events {
            stream: connection(host, "/_ping")?,
            stage: Stage::Ping(Vec::new()),
        })
    }

    /// Reads what there is; never waits.
    pub fn hear(&mut self, host: &Host) -> Heard {
        let mut heard = Heard::Nothing;
        loop {
            let mut buffer = [0; 4096];
            let came = match self.stream.read(&mut buffer) {
                Ok(0) => return Heard::End,
                Ok(length) => buffer.get(..length).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return heard,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Heard::End,
            };
            heard = match self.go_on(host, came) {
                Some(Heard::Nothing) => heard,
                Some(news) => news,
                None => return Heard::End,
            };
        }
    }

    fn go_on(&mut self, host: &Host, came: &[u8]) -> Option<Heard> {
        let (Stage::Ping(head) | Stage::Head(head)) = &mut self.stage else {
            return Some(Heard::Change);
        };
        head.extend_from_slice(came);
        if !head
            .windows(END_OF_HEAD.len())
            .any(|end| end == END_OF_HEAD)
        {
            return (head.len() < LONGEST_HEAD).then_some(Heard::Nothing);
        }
        let head = String::from_utf8_lossy(head).into_owned();
        if !is_ok(&head) {
            return None;
        }
        if let Stage::Head(_) = self.stage {
            self.stage = Stage::Announcing;
            return Some(Heard::Ready);
        }
        // Its own newest version: of the answer nothing is read that a version could change.
        let version = header(&head, "api-version")?;
        self.stream = connection(host, &format!("/v{version}/events?filters={FILTERS}")).ok()?;
        self.stage = Stage::Head(Vec::new());
        Some(Heard::Nothing)
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn connection(host: &Host, path: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(host.resolve(Path::new(SOCKET))?)?;
    stream.set_nonblocking(true)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: docker\r\n\r\n")?;
    Ok(stream)
}

fn is_ok(head: &str) -> bool {
    head.split(' ').nth(1) == Some("200")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}
