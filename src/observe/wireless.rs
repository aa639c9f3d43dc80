//! Whether this machine is made to change its networks: NetworkManager has a profile for Wi-Fi or a
//! mobile network (nm-settings-keyfile(5)). Its link may be off at the moment.

use crate::host::Host;
use std::path::Path;

const FOLDERS: [&str; 2] = [
    "/etc/NetworkManager/system-connections",
    "/run/NetworkManager/system-connections",
];

/// How the profiles name the kinds of links that roam. The long one is from before 1.0.
const KINDS: [&str; 4] = ["type=wifi", "type=802-11-wireless", "type=gsm", "type=cdma"];

/// The first such profile. Only root may read them.
pub fn profile(host: &Host) -> Option<String> {
    FOLDERS.iter().find_map(|folder| {
        let mut names = host.list(Path::new(folder));
        names.sort();
        let mut paths = names.iter().map(|name| format!("{folder}/{name}"));
        paths.find(|path| is_wireless(host, path))
    })
}

fn is_wireless(host: &Host, path: &str) -> bool {
    let bytes = host.read(Path::new(path)).ok().flatten();
    let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let connection = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[connection]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let mut settings = connection.map(|line| line.replace(' ', ""));
    settings.any(|setting| KINDS.contains(&setting.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_saved_wifi_counts_and_a_cable_does_not() {
        let root = std::env::temp_dir().join(format!("rebridge-wireless-{}", std::process::id()));
        let folder = root.join("etc/NetworkManager/system-connections");
        fs::create_dir_all(&folder).unwrap();
        let host = Host::image(&root);
        let cable = "[connection]\nid=desk\ntype=ethernet\n\n[vpn]\ntype=wifi\n";
        fs::write(folder.join("a.nmconnection"), cable).unwrap();
        let none = profile(&host);
        let wifi = "[connection]\nid=Train\n type = wifi\n\n[wifi]\nssid=Train\n";
        fs::write(folder.join("b.nmconnection"), wifi).unwrap();
        let found = profile(&host);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(none, None);
        let path = "/etc/NetworkManager/system-connections/b.nmconnection";
        assert_eq!(found.as_deref(), Some(path));
    }
}
