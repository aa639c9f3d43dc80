//! Servers of network file systems: fstab(5), and what is mounted now.

use super::File;
use super::entry::{Entry, server};
use super::walk::Place;

pub const PLACES: &[Place] = &[Place::File("/etc/fstab"), Place::File("/proc/mounts")];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let lines = file.text.lines().zip(1..);
    let entries = lines.filter_map(|(line, number)| {
        let mut words = line.split_whitespace();
        let (from, _, kind) = (words.next()?, words.next()?, words.next()?);
        let what = format!("{kind} mount");
        let entries = match kind {
            "nfs" | "nfs4" | "glusterfs" | "ceph" => {
                // The path begins at the last `:/`.
                let servers = from.rsplit_once(":/")?.0.split(',').filter_map(server);
                servers.collect::<Vec<_>>()
            }
            "cifs" | "smb3" | "smbfs" => {
                let host = from.trim_start_matches(['/', '\\']);
                server(host.split('\\').next()?).into_iter().collect()
            }
            _ => return None,
        };
        let entries = entries.into_iter();
        Some(entries.map(move |to| Entry::server(to, number, what.clone())))
    });
    Ok(entries.flatten().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn servers_with_an_address_count() {
        let text = "# 172.17.5.1:/x /x nfs\nUUID=1 / ext4 defaults 0 1\n\
                    172.17.5.5:/export /mnt nfs4 ro 0 0\n\
                    //172.17.5.6/share /smb cifs user=a,password=SECRET 0 0\n\
                    nas.corp:/export /n nfs ro\n[fd00::5]:/x /six nfs ro\n\
                    10.0.0.1:6789,10.0.0.2:6789:/ /ceph ceph name=x\n\
                    /srv/172.17.5.7 /b none bind\n";
        assert_eq!(
            shown(read, "/etc/fstab", text),
            [
                "3 server 172.17.5.5/32 nfs4 mount",
                "4 server 172.17.5.6/32 cifs mount",
                "6 server fd00::5/128 nfs mount",
                "7 server 10.0.0.1/32 ceph mount",
                "7 server 10.0.0.2/32 ceph mount",
            ]
        );
    }
}
