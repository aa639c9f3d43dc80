//! Proxies: in the environment of this host and of dockerd's unit.

use super::File;
use super::entry::{Entry, server};
use super::walk::Place;

pub const PLACES: &[Place] = &[
    Place::File("/etc/environment"),
    Place::File("/etc/default/docker"),
    Place::File("/etc/sysconfig/docker"),
    Place::File("/etc/systemd/system/docker.service"),
    Place::Folder("/etc/systemd/system/docker.service.d", ".conf"),
    Place::Folder("/run/systemd/system/docker.service.d", ".conf"),
];

const NAMES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "ftp_proxy"];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let lines = file.text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| !line.trim_start().starts_with(['#', ';']));
    let entries = lines.flat_map(|(line, number)| {
        // `Environment="HTTP_PROXY=http://10.0.0.1:3128" "NO_PROXY=…"`
        let words = line.split([' ', '\t', '"', '\'']);
        words.filter_map(move |word| {
            let word = word.strip_prefix("Environment=").unwrap_or(word);
            let (name, value) = word.split_once('=')?;
            let known = NAMES
                .iter()
                .find(|known| name.eq_ignore_ascii_case(known))?;
            let value = match value {
                // The value is in quotes of its own.
                "" => line.split_once(word)?.1.split(['"', '\'']).nth(1)?,
                value => value,
            };
            Some(Entry::server(server(value)?, number, *known))
        })
    });
    Ok(entries.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::observe::configured::testing::shown;

    #[test]
    fn proxies_with_an_address_count_and_exceptions_do_not() {
        let unit = "[Service]\n#Environment=HTTP_PROXY=http://10.9.9.9:1\n\
                    Environment=\"HTTP_PROXY=http://u:SECRET@172.17.7.11:3128/\" \
                    \"NO_PROXY=172.18.0.0/16,172.18.0.9\"\nEnvironment=HTTPS_PROXY=http://proxy.corp:3128\n";
        assert_eq!(
            shown(
                read,
                "/etc/systemd/system/docker.service.d/http-proxy.conf",
                unit
            ),
            ["3 server 172.17.7.11/32 http_proxy"]
        );
        let environment = "PATH=\"/usr/bin\"\nhttps_proxy=\"http://172.17.7.12:3128\"\n\
                           export all_proxy=socks5://172.17.7.13:1080\nhttp_proxy=\n";
        assert_eq!(
            shown(read, "/etc/environment", environment),
            [
                "2 server 172.17.7.12/32 https_proxy",
                "3 server 172.17.7.13/32 all_proxy",
            ]
        );
    }
}
