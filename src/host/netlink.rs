//! Netlink as far as it takes to ask the kernel and to order it: a request, an answer or a stream of
//! them, attributes.
//!
//! The bytes are read where they lie. The ready-made packet crates make a tree of every message
//! first, which costs more than the kernel does where a router holds a full Internet table, and
//! give up on a link whose name is not UTF-8.

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, connect, recv,
    send, socket,
};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

const HEADER: usize = size_of::<libc::nlmsghdr>();
const NLM_F_REQUEST: u16 = libc::NLM_F_REQUEST as u16;
const NLM_F_ACK: u16 = libc::NLM_F_ACK as u16;
const NLM_F_DUMP_INTR: u16 = libc::NLM_F_DUMP_INTR as u16;
const NLM_F_DUMP: u16 = libc::NLM_F_DUMP as u16;
const NLMSG_ERROR: u16 = libc::NLMSG_ERROR as u16;
const NLMSG_DONE: u16 = libc::NLMSG_DONE as u16;

/// The kernel fills at most 32 KiB at a time.
const BUFFER: usize = 64 << 10;

/// A list that changes while it is being read is read again, this often.
const TRIES: u32 = 4;

/// The families as wide as netlink has them.
pub const AF_INET: u8 = libc::AF_INET as u8;
/// See [`AF_INET`].
pub const AF_INET6: u8 = libc::AF_INET6 as u8;

/// A question to the kernel.
pub struct Request<'a> {
    /// Netlink family: routing, socket diagnosis, netfilter.
    pub protocol: SockProtocol,
    /// Message type of the request.
    pub kind: u16,
    /// What follows the header.
    pub body: &'a [u8],
}

/// Asks for everything of a kind, and gives every answer's payload to `each` as it comes in;
/// nothing is kept. `S` is begun again when the kernel says that its list changed under way; after
/// a few times the last reading stands.
pub fn dump<S: Default>(request: &Request, each: impl FnMut(&mut S, &[u8])) -> io::Result<S> {
    Socket::open(request.protocol)?.dump_steadily(request, each)
}

/// The same of the IPsec part of the kernel, which nix has no protocol for: the one of the request
/// does not count.
pub fn dump_ipsec<S: Default>(request: &Request, each: impl FnMut(&mut S, &[u8])) -> io::Result<S> {
    Socket::of_ipsec()?.dump_steadily(request, each)
}

/// A netlink socket that is connected to the kernel: it takes no message from another process.
pub struct Socket {
    descriptor: OwnedFd,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens one.
    pub fn open(protocol: SockProtocol) -> io::Result<Socket> {
        Socket::subscribed(protocol, &[])
    }

    /// Opens one that hears what the kernel announces to these groups, numbered from 1 to 32.
    pub fn subscribed(protocol: SockProtocol, groups: &[u32]) -> io::Result<Socket> {
        let descriptor = socket(
            AddressFamily::Netlink,
            SockType::Datagram,
            SockFlag::SOCK_CLOEXEC,
            protocol,
        )?;
        Socket::connected(descriptor, groups)
    }

    fn of_ipsec() -> io::Result<Socket> {
        let descriptor = rustix::net::socket_with(
            rustix::net::AddressFamily::NETLINK,
            rustix::net::SocketType::DGRAM,
            rustix::net::SocketFlags::CLOEXEC,
            Some(rustix::net::netlink::XFRM),
        )?;
        Socket::connected(descriptor, &[])
    }

    fn connected(descriptor: OwnedFd, groups: &[u32]) -> io::Result<Socket> {
        let mask = groups.iter().fold(0, |mask, group| mask | 1 << (group - 1));
        bind(descriptor.as_raw_fd(), &NetlinkAddr::new(0, mask))?;
        connect(descriptor.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Socket {
            descriptor,
            buffer: vec![0; BUFFER],
        })
    }

    /// Asks a question with one answer.
    pub fn ask<T>(
        &mut self,
        request: &Request,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> io::Result<T> {
        self.send(request, NLM_F_REQUEST)?;
        let mut read = Some(read);
        let mut answer = None;
        messages(self.receive()?, &mut |_, payload| {
            answer = read.take().and_then(|read| read(payload));
        })?;
        answer.ok_or_else(|| io::Error::other("the kernel's answer makes no sense"))
    }

    /// The next announcement, if one waits. `ENOBUFS` if some were lost because none was taken for
    /// too long.
    pub fn announcement(&mut self) -> io::Result<Option<&[u8]>> {
        match recv(
            self.descriptor.as_raw_fd(),
            &mut self.buffer,
            MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(received) => Ok(self.buffer.get(..received)),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Orders a change, and waits until the kernel has made or refused it.
    pub fn order(&mut self, request: &Request, flags: u16) -> io::Result<()> {
        self.send(request, NLM_F_REQUEST | NLM_F_ACK | flags)?;
        messages(self.receive()?, &mut |_, _| {})?;
        Ok(())
    }

    fn dump_steadily<S: Default>(
        &mut self,
        request: &Request,
        mut each: impl FnMut(&mut S, &[u8]),
    ) -> io::Result<S> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut state = S::default();
            let steady = self.dump(request, &mut |payload| each(&mut state, payload))?;
            if steady || tries == TRIES {
                return Ok(state);
            }
        }
    }

    /// Whether the list held still meanwhile.
    fn dump(&mut self, request: &Request, each: &mut impl FnMut(&[u8])) -> io::Result<bool> {
        self.send(request, NLM_F_REQUEST | NLM_F_DUMP)?;
        let mut steady = true;
        loop {
            let end = messages(self.receive()?, &mut |header, payload| {
                steady &= header.flags & NLM_F_DUMP_INTR == 0;
                each(payload);
            })?;
            if end {
                return Ok(steady);
            }
        }
    }

    fn send(&self, request: &Request, flags: u16) -> io::Result<()> {
        let length = HEADER + request.body.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(
            u32::try_from(length)
                .map_err(io::Error::other)?
                .to_ne_bytes(),
        );
        bytes.extend(request.kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        // Sequence number and port: one request a socket at a time needs neither.
        bytes.extend([0; 8]);
        bytes.extend(request.body);
        send(self.descriptor.as_raw_fd(), &bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// The next datagram.
    fn receive(&mut self) -> io::Result<&[u8]> {
        let received = recv(
            self.descriptor.as_raw_fd(),
            &mut self.buffer,
            MsgFlags::empty(),
        )?;
        Ok(self.buffer.get(..received).unwrap_or_default())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// What the head of a message says of it.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    pub kind: u16,
    flags: u16,
}

/// Walks the messages of one datagram; whether the last of the whole dump was among them.
pub fn messages(datagram: &[u8], each: &mut impl FnMut(Header, &[u8])) -> io::Result<bool> {
    let mut rest = datagram;
    while !rest.is_empty() {
        let cut = || io::Error::other("the kernel's answer is cut short");
        let length = u32_at(rest, 0).ok_or_else(cut)? as usize;
        let (kind, flags) = (
            u16_at(rest, 4).ok_or_else(cut)?,
            u16_at(rest, 6).ok_or_else(cut)?,
        );
        let payload = rest.get(HEADER..length).ok_or_else(cut)?;
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let code = payload
                    .first_chunk()
                    .map(|bytes| i32::from_ne_bytes(*bytes))
                    .unwrap_or_default();
                // The answer to an order that was carried out is an error that is none.
                return match code {
                    0 => Ok(true),
                    code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
                };
            }
            _ => each(Header { kind, flags }, payload),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// The attributes in a message: type (without its flag bits) and value. Ends at the first one that
/// does not fit.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)? & 0x3fff;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The attributes behind a fixed part of this many bytes.
pub fn attributes_after(payload: &[u8], fixed: usize) -> impl Iterator<Item = (u16, &[u8])> {
    attributes(payload.get(fixed..).unwrap_or_default())
}

/// A byte of a fixed part.
pub fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// Two bytes of a fixed part, in this machine's order.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Four bytes of a fixed part, in this machine's order.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// An attribute as it is sent: a length, a type, the value, and zeros up to a multiple of four.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len();
    let mut bytes = Vec::with_capacity(length.next_multiple_of(4));
    // No value that is ever sent comes near the limit.
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

/// An address of four or sixteen bytes.
pub fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|sixteen| IpAddr::V6(Ipv6Addr::from(sixteen)))
}

/// A name with the zero at its end; what is not UTF-8 in it is shown as such.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + payload.len()).unwrap();
        let mut bytes = [
            &length.to_ne_bytes()[..],
            &kind.to_ne_bytes(),
            &[0; 10],
            payload,
        ]
        .concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn walks_messages_and_reports_the_kernels_refusal() {
        let mut seen = Vec::new();
        let datagram = [
            message(20, b"one"),
            message(20, b"fourfour"),
            message(NLMSG_DONE, &[0; 4]),
        ]
        .concat();
        assert!(messages(&datagram, &mut |_, payload| seen.push(payload.to_vec())).unwrap());
        assert_eq!(seen, [b"one".to_vec(), b"fourfour".to_vec()]);
        let refusal = message(NLMSG_ERROR, &(-1i32).to_ne_bytes());
        let error = messages(&refusal, &mut |_, _| {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    /// No prefix of an answer, and no length in it, makes the walk fail otherwise than with an
    /// error.
    #[test]
    fn a_cut_answer_is_an_error() {
        let datagram = message(20, b"fourfour");
        for end in 1..datagram.len() {
            assert!(messages(&datagram[..end], &mut |_, _| {}).is_err(), "{end}");
        }
        for length in [0u32, 15, 25, u32::MAX] {
            let mut bad = datagram.clone();
            bad[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(messages(&bad, &mut |_, _| {}).is_err(), "{length}");
        }
    }

    #[test]
    fn attributes_end_where_they_stop_making_sense() {
        let good = [
            &8u16.to_ne_bytes()[..],
            &(1u16 | 0x8000).to_ne_bytes(),
            &[9, 9, 9, 9],
        ]
        .concat();
        assert_eq!(
            attributes(&good).collect::<Vec<_>>(),
            [(1, &[9u8, 9, 9, 9][..])]
        );
        for length in [0u16, 3, 9, u16::MAX] {
            let mut bad = good.clone();
            bad[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(attributes(&bad).count(), 0, "{length}");
        }
    }
}
