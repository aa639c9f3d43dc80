//! Proxy ARP of an interface, and the boot during which such a setting lasts.

use super::Host;
use std::fs;
use std::io;
use std::path::PathBuf;

impl Host {
    pub fn proxy_arp(&self, dev: &str) -> io::Result<bool> {
        Ok(fs::read_to_string(path_of(dev)?)?.trim() != "0")
    }

    /// Writes in place: the files of /proc cannot be replaced.
    pub fn set_proxy_arp(&self, dev: &str, on: bool) -> io::Result<()> {
        fs::write(path_of(dev)?, if on { "1" } else { "0" })
    }

    /// A name that no other boot of any machine has.
    pub fn boot(&self) -> io::Result<String> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        Ok(id.trim().to_owned())
    }
}

/// Interface names hold no slash and are not `..`; the kernel sees to that.
fn path_of(dev: &str) -> io::Result<PathBuf> {
    if dev.contains('/') || dev == ".." {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(PathBuf::from("/proc/sys/net/ipv4/conf")
        .join(dev)
        .join("proxy_arp"))
}
