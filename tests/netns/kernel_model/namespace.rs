//! A network namespace for one thread: it is gone when the thread is.

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use rebridge::facts::Kernel;
use rebridge::observe::kernel::Reader;
use rebridge::observe::relevant::RelevantSpace;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::{Command, Output, Stdio};

/// Does something in a namespace of its own. Children and threads it starts are in it, too.
pub fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("root may have a network namespace");
            work()
        });
        match thread.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Has `ip` do many things, all of which the kernel must take.
pub fn batch(commands: &str) {
    let errors = ip(&["-batch", "-"], commands);
    assert!(errors.is_empty(), "{errors}\n{commands}");
}

/// Has `ip` do many things. What makes no sense to the kernel is passed over.
pub fn try_batch(commands: &str) {
    ip(&["-force", "-batch", "-"], commands);
}

/// The same for things that are of one family only.
pub fn try_batch_of(family: u32, commands: &str) {
    ip(&[&format!("-{family}"), "-force", "-batch", "-"], commands);
}

/// Runs `ip`; what it complains of.
fn ip(arguments: &[&str], commands: &str) -> String {
    let mut ip = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("iproute2 is installed");
    let mut input = ip.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(commands.as_bytes()).unwrap());
        let Output { stderr, .. } = ip.wait_with_output().unwrap();
        String::from_utf8_lossy(&stderr).into_owned()
    })
}

/// Asks the kernel for a change that `ip` does not know.
pub fn change(kind: u16, body: &[u8]) {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )
    .unwrap();
    let length = 16 + u32::try_from(body.len()).unwrap();
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE) as u16;
    let request = [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &[0; 8],
        body,
    ]
    .concat();
    send(socket.as_raw_fd(), &request, MsgFlags::empty()).unwrap();
    let mut answer = [0; 1024];
    recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()).unwrap();
    assert_eq!(answer[16..20], [0; 4], "refused: {body:?}");
}

/// Changes a setting of this namespace.
pub fn set(name: &str, value: u32) {
    let path = format!("/proc/sys/net/{name}");
    std::fs::write(&path, value.to_string()).unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// What rebridge sees of this namespace; it must see all.
pub fn observe() -> Kernel {
    let mut unseen = Vec::new();
    let mut reader = Reader {
        unseen: &mut unseen,
    };
    let links = reader.links();
    let mut kernel = reader.rest(links, &RelevantSpace::default(), &[22]);
    assert!(unseen.is_empty(), "{unseen:?}");
    for neighbour in &mut kernel.neighbours {
        neighbour.called_seconds_ago = None;
    }
    kernel
        .neighbours
        .sort_by_key(|one| (one.address, one.dev.clone()));
    kernel
}
