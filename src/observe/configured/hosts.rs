//! /etc/hosts, as hosts(5) has it: what has a name there is meant to be reached.

use super::File;
use super::entry::Entry;
use super::walk::Place;
use crate::facts::Role;

pub const PLACES: &[Place] = &[Place::File("/etc/hosts")];

pub fn read(file: &File) -> Result<Vec<Entry>, String> {
    let lines = file.text.lines().zip(1..);
    let entries = lines.filter_map(|(line, number)| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        let name = words.next()?;
        Some(Entry {
            role: Role::Named,
            ..Entry::server(address, number, format!("address of {name}"))
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
    fn addresses_with_a_name_count_and_this_hosts_own_do_not() {
        let text = "127.0.0.1 localhost\n127.0.1.1 me\n::1 ip6-localhost\nff02::1 ip6-allnodes\n\
                    172.17.5.9\tdb.corp db # the old one\n#172.17.5.10 gone\n0.0.0.0 ads.example\n\
                    172.17.5.11\nfd00::5 six\n";
        assert_eq!(
            shown(read, "/etc/hosts", text),
            [
                "5 named 172.17.5.9/32 address of db.corp",
                "9 named fd00::5/128 address of six",
            ]
        );
    }
}
