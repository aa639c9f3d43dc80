//! What files of this host say of networks and servers, up or not: [`FORMATS`] lists the readers,
//! and one walker finds the files and reads them. IPsec's policies have no file; the kernel shows
//! them.
//!
//! A reader is a pure function from a text to entries. It keeps addresses and nothing else, so no
//! key or password leaves it. Names are not resolved. A file that cannot be read or understood is a
//! note and never an error.

mod container_networks;
mod docker;
mod entry;
mod hosts;
mod ifcfg;
mod ifupdown;
mod incus;
mod ini;
mod ipsec;
mod kubernetes;
mod libvirt;
mod mounts;
mod netplan;
mod network_manager;
mod networkd;
mod openvpn;
mod policies;
mod proxies;
mod servers;
mod walk;
mod wireguard;

use crate::facts::{Configured, Unread};
use crate::host::Host;
use entry::Entry;
use walk::{Place, Walk};

/// A kind of file, where it lies, and what reads it.
struct Format {
    /// Where more than one folder is named, a file in an earlier one stands for all files of its
    /// name in later ones, as systemd and NetworkManager have it.
    places: &'static [Place],
    read: Reader,
}

/// A file for a reader.
#[derive(Default)]
struct File<'a> {
    path: &'a str,
    text: &'a str,
    /// The text of the file that it adds to, where it is a drop-in.
    main: &'a str,
}

const FORMATS: &[Format] = &[
    Format::new(wireguard::PLACES, wireguard::read),
    Format::new(openvpn::PLACES, openvpn::read),
    Format::new(network_manager::PLACES, network_manager::read),
    Format::new(networkd::NETWORKS, networkd::read_network),
    Format::new(networkd::NETDEVS, networkd::read_netdev),
    Format::new(ifupdown::PLACES, ifupdown::read),
    Format::new(ifcfg::PLACES, ifcfg::read),
    Format::new(ipsec::PLACES, ipsec::read),
    Format::new(libvirt::PLACES, libvirt::read),
    Format::new(incus::STATES, incus::read_state),
    Format::new(incus::PRESEEDS, incus::read_preseed),
    Format::new(container_networks::PLACES, container_networks::read),
    Format::new(kubernetes::PLACES, kubernetes::read),
    Format::new(docker::PLACES, docker::read),
    Format::new(proxies::PLACES, proxies::read),
    Format::new(mounts::PLACES, mounts::read),
    Format::new(servers::PLACES, servers::read),
    Format::new(hosts::PLACES, hosts::read),
];

/// The folders that such files come in, with their endings.
pub fn folders(host: &Host) -> Vec<(String, &'static str)> {
    let places = FORMATS.iter().flat_map(|format| format.places);
    let mut folders: Vec<_> = places.flat_map(|place| place.folders(host)).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// On a booted host Netplan has written what its files say for networkd or NetworkManager.
const IN_AN_IMAGE: Format = Format::new(netplan::PLACES, netplan::read);

type Reader = fn(&File) -> Result<Vec<Entry>, String>;

impl Format {
    const fn new(places: &'static [Place], read: Reader) -> Format {
        Format { places, read }
    }
}

/// Everything that is configured, and what could not be read.
pub fn read(host: &Host) -> (Vec<Configured>, Vec<Unread>) {
    let mut walk = Walk::new(host);
    for format in FORMATS {
        walk.read(format);
    }
    if host.is_image() {
        walk.read(&IN_AN_IMAGE);
    } else {
        walk.add(policies::SHOWN_BY, policies::read());
    }
    walk.finish()
}

impl File<'_> {
    /// Its name without folder and ending: often that of an interface.
    fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The name of the folder it lies in.
    fn folder(&self) -> &str {
        self.path.rsplit('/').nth(1).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod testing {
    use super::{File, Reader};
    use crate::facts::Role;

    /// What a reader finds, an entry a line.
    pub fn shown(read: Reader, path: &str, text: &str) -> Vec<String> {
        shown_of(
            read,
            &File {
                path,
                text,
                main: "",
            },
        )
    }

    /// The same of a drop-in.
    pub fn shown_of(read: Reader, file: &File) -> Vec<String> {
        let entries = read(file).unwrap();
        let entries = entries.into_iter().filter(|entry| !entry.is_ours());
        entries
            .map(|one| {
                let role = match one.role {
                    Role::Network if one.by_gateway => "routed",
                    Role::Network => "network",
                    Role::Server => "server",
                    Role::Named => "named",
                };
                let dev = one.dev.map(|dev| format!(" {dev}")).unwrap_or_default();
                format!("{} {role} {}{dev} {}", one.line, one.net, one.what)
            })
            .collect()
    }
}
