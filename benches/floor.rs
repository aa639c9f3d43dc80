//! The floors: the same questions to the kernel and the engine, the answers received into one
//! buffer and not looked at.

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, connect, recv, send,
    socket,
};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// Everything a look at a typical host asks for: the dumps, and one GET /networks.
pub fn look() {
    dumps();
    let mut buffer = vec![0; 64 << 10];
    let mut socket = UnixStream::connect("/run/docker.sock").expect("the engine runs");
    socket.write_all(b"GET /networks HTTP/1.0\r\n\r\n").unwrap();
    while socket.read(&mut buffer).unwrap() > 0 {}
}

/// What a look at a host without Docker asks for.
pub fn dumps() {
    let mut buffer = vec![0; 64 << 10];
    dump(SockProtocol::NetlinkRoute, 18, &[0; 16], &mut buffer);
    dump(SockProtocol::NetlinkRoute, 22, &[0; 8], &mut buffer);
    for family in [2, 10] {
        let mut body = [0; 12];
        body[0] = family;
        dump(SockProtocol::NetlinkRoute, 26, &body, &mut buffer);
        dump(SockProtocol::NetlinkRoute, 34, &body, &mut buffer);
        let mut body = [0; 56];
        (body[0], body[1], body[4]) = (family, 6, 0b110);
        dump(SockProtocol::NetlinkSockDiag, 20, &body, &mut buffer);
    }
    dump(SockProtocol::NetlinkRoute, 30, &[0; 12], &mut buffer);
    dump(SockProtocol::NetlinkNetFilter, 0x0101, &[0; 4], &mut buffer);
}

/// The routes of both families.
pub fn routes() {
    let mut buffer = vec![0; 64 << 10];
    for family in [2, 10] {
        let mut body = [0; 12];
        body[0] = family;
        dump(SockProtocol::NetlinkRoute, 26, &body, &mut buffer);
    }
}

fn dump(protocol: SockProtocol, kind: u16, body: &[u8], buffer: &mut [u8]) {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        protocol,
    )
    .unwrap();
    connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0)).unwrap();
    let length = u32::try_from(16 + body.len()).unwrap().to_ne_bytes();
    let request = [
        &length[..],
        &kind.to_ne_bytes(),
        &0x301u16.to_ne_bytes(),
        &[0; 8],
        body,
    ]
    .concat();
    send(socket.as_raw_fd(), &request, MsgFlags::empty()).unwrap();
    loop {
        let received = recv(socket.as_raw_fd(), buffer, MsgFlags::empty()).unwrap();
        // Only the first message of a datagram is looked at: the last datagram begins with the end,
        // or is it.
        let kind = u16::from_ne_bytes([buffer[4], buffer[5]]);
        if received == 0 || kind == NLMSG_DONE || kind == NLMSG_ERROR || ends(&buffer[..received]) {
            return;
        }
    }
}

/// Whether a datagram ends with the message that ends the dump, which is 20 bytes long.
fn ends(datagram: &[u8]) -> bool {
    let last = datagram.len().checked_sub(20).map(|at| &datagram[at..]);
    last.is_some_and(|last| {
        last[..4] == 20u32.to_ne_bytes() && last[4..6] == NLMSG_DONE.to_ne_bytes()
    })
}
