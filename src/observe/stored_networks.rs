//! The networks Docker has stored, for when it cannot be asked: stopped, or in an image. It brings
//! all of them back when it starts, and does not start with a `bip` over one of them.
//!
//! libnetwork keeps them in a bbolt file, a tree of pages; the format is documented in bbolt's
//! page.go and bucket.go. Only what its newest meta page leads to counts: pages of networks that
//! were removed stay in the file for a while.

use crate::docker::networks::in_utc;
use crate::facts::Network;
use crate::host::Host;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Below the data root of dockerd.
const FILE: &str = "network/files/local-kv.db";

/// Where dockerd keeps its data unless a setting says otherwise.
pub const DATA_ROOT: &str = "/var/lib/docker";

/// Where the snap's dockerd keeps it.
pub const SNAP_DATA_ROOT: &str = "/var/snap/docker/common/var-lib-docker";

/// Trees of networks are two or three pages deep; a damaged file may have circles.
const DEEPEST: usize = 16;

/// libkv puts the number of the last change before each value.
const INDEX: usize = 8;

const META_MAGIC: u32 = 0xED0C_DAED;
const PAGE_HEADER: usize = 16;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const IS_BUCKET: u32 = 0x01;

/// The stored networks; none where there is no such file. The error says why it cannot be read.
pub fn read(host: &Host, data_root: &str) -> Result<Vec<Network>, String> {
    let path = Path::new(data_root).join(FILE);
    match host.read(&path) {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(bytes)) => networks_of(&bytes)
            .ok_or_else(|| format!("{}: it is not a file of Docker's networks", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Adds to the engine's networks what only the store knows: the engine shows a subnet that was given
/// by hand like one it chose itself, once it has been restarted. A store that cannot be read says
/// nothing.
pub fn add_who_chose(host: &Host, data_root: &str, networks: &mut [Network]) {
    let stored = read(host, data_root).unwrap_or_default();
    for network in networks {
        let known = stored.iter().find(|one| one.id == network.id);
        network.by_hand = known.and_then(|one| one.by_hand);
    }
}

/// The networks in such a file, by name.
pub fn networks_of(bytes: &[u8]) -> Option<Vec<Network>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let file = File::open(bytes)?;
    let mut values = Vec::new();
    file.walk(Root::Page(file.root), DEEPEST, &mut values);
    let mut networks: Vec<Network> = values
        .into_iter()
        .filter_map(|value| serde_json::from_slice::<Stored>(value.get(INDEX..)?).ok())
        .map(Stored::read)
        .collect();
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    Some(networks)
}

struct File<'a> {
    bytes: &'a [u8],
    page_size: usize,
    root: u64,
}

/// Where a bucket's tree begins: on a page of its own, or inside its parent's.
enum Root<'a> {
    Page(u64),
    Inline(&'a [u8]),
}

impl<'a> File<'a> {
    /// The file by its newest meta page; there are two, written in turn.
    fn open(bytes: &'a [u8]) -> Option<File<'a>> {
        // The second page begins where the first one says that pages end.
        let page_size = usize::try_from(u32_at(bytes, PAGE_HEADER + 8)?).ok()?;
        let metas = [0, page_size]
            .into_iter()
            .filter_map(|at| meta(bytes.get(at..)?));
        let (_, root) = metas.max_by_key(|(transaction, _)| *transaction)?;
        Some(File {
            bytes,
            page_size,
            root,
        })
    }

    /// Every value below a root, in buckets too.
    fn walk(&self, root: Root<'a>, depth: usize, values: &mut Vec<&'a [u8]>) {
        let page = match root {
            Root::Page(number) => self.page(number),
            Root::Inline(page) => Some(page),
        };
        let Some((page, depth)) = page.zip(depth.checked_sub(1)) else {
            return;
        };
        let (Some(flags), Some(count)) = (u16_at(page, 8), u16_at(page, 10)) else {
            return;
        };
        for number in 0..usize::from(count) {
            let at = PAGE_HEADER + number * 16;
            match flags {
                BRANCH => {
                    if let Some(below) = u64_at(page, at + 8) {
                        self.walk(Root::Page(below), depth, values);
                    }
                }
                LEAF => self.leaf(page, at, depth, values),
                _ => return,
            }
        }
    }

    fn leaf(&self, page: &'a [u8], at: usize, depth: usize, values: &mut Vec<&'a [u8]>) {
        let Some((flags, value)) = element(page, at) else {
            return;
        };
        if flags & IS_BUCKET == 0 {
            values.push(value);
        } else if let Some(root) = u64_at(value, 0) {
            // A small bucket has no page; its tree follows its header.
            let root = match root {
                0 => Root::Inline(value.get(PAGE_HEADER..).unwrap_or_default()),
                page => Root::Page(page),
            };
            self.walk(root, depth, values);
        }
    }

    /// A page to the end of the file: what overflows it lies right behind it.
    fn page(&self, number: u64) -> Option<&'a [u8]> {
        let at = usize::try_from(number).ok()?.checked_mul(self.page_size)?;
        self.bytes.get(at..)
    }
}

/// The transaction that wrote a meta page, and the page of the root bucket.
fn meta(page: &[u8]) -> Option<(u64, u64)> {
    let body = page.get(PAGE_HEADER..)?;
    let is_meta = u32_at(body, 0)? == META_MAGIC;
    is_meta.then_some((u64_at(body, 48)?, u64_at(body, 16)?))
}

/// The flags and the value of a leaf's element.
fn element(page: &[u8], at: usize) -> Option<(u32, &[u8])> {
    let size = |offset| usize::try_from(u32_at(page, at + offset)?).ok();
    let (position, key, value) = (size(4)?, size(8)?, size(12)?);
    let from = at.checked_add(position)?.checked_add(key)?;
    let value = page.get(from..from.checked_add(value)?)?;
    Some((u32_at(page, at)?, value))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|two| u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|four| u32::from_le_bytes(*four))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|eight| u64::from_le_bytes(*eight))
}

/// A network as libnetwork writes it (network.go, MarshalJSON).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    name: String,
    id: String,
    network_type: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    created: String,
    /// JSON inside of JSON.
    #[serde(default)]
    ipam_v4_info: String,
    /// The same, of what was asked for.
    #[serde(default)]
    ipam_v4_config: String,
    #[serde(default)]
    generic: Generic,
}

#[derive(Deserialize, Default)]
struct Generic {
    #[serde(rename = "com.docker.network.generic", default)]
    options: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct IpamConfig {
    /// The subnet that was asked for. Docker leaves it empty where it took one from its pools, and
    /// does not fill it in later. Measured on 20.10.24, 26.1.5 and 28.5.2, after restarts, a kill
    /// and with containers that come and go.
    #[serde(rename = "PreferredPool", default)]
    subnet: String,
}

#[derive(Deserialize)]
struct IpamInfo {
    /// JSON once more.
    #[serde(rename = "IPAMData")]
    data: String,
}

#[derive(Deserialize)]
struct IpamData {
    #[serde(rename = "Pool")]
    pool: String,
    #[serde(rename = "Gateway", default)]
    gateway: String,
}

impl Stored {
    fn by_hand(&self) -> Option<bool> {
        let asked: Vec<IpamConfig> = serde_json::from_str(&self.ipam_v4_config).ok()?;
        Some(asked.iter().any(|one| !one.subnet.is_empty()))
    }

    fn read(self) -> Network {
        let by_hand = self.by_hand();
        let infos: Vec<IpamInfo> = serde_json::from_str(&self.ipam_v4_info).unwrap_or_default();
        let data: Vec<IpamData> = infos
            .iter()
            .filter_map(|info| serde_json::from_str(&info.data).ok())
            .collect();
        let bridge = (self.network_type == "bridge").then(|| {
            let named = self.generic.options.get("com.docker.network.bridge.name");
            let named = named.and_then(|name| name.as_str()).map(str::to_owned);
            named.unwrap_or_else(|| format!("br-{}", self.id.get(..12).unwrap_or(&self.id)))
        });
        Network {
            bridge,
            subnets: data
                .iter()
                .filter_map(|one| one.pool.parse::<IpNet>().ok())
                .collect(),
            gateways: data
                .iter()
                .filter_map(|one| Some(one.gateway.parse::<IpNet>().ok()?.addr()))
                .collect(),
            name: self.name,
            id: self.id,
            driver: self.network_type,
            scope: self.scope,
            shaped: false,
            by_hand,
            config_from: None,
            created: in_utc(&self.created),
            project: None,
            labels: Vec::new(),
            unused: false,
            endpoints: Vec::new(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const PAGE: usize = 4096;

    fn page(flags: u16, elements: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
        let count = u16::try_from(elements.len()).unwrap();
        let mut page = [
            &[0; 8][..],
            &flags.to_le_bytes(),
            &count.to_le_bytes(),
            &[0; 4],
        ]
        .concat();
        let mut data = Vec::new();
        for (number, (flags, key, value)) in elements.iter().enumerate() {
            let to_data = 16 * (elements.len() - number) + data.len();
            for field in [*flags as usize, to_data, key.len(), value.len()] {
                page.extend(u32::try_from(field).unwrap().to_le_bytes());
            }
            data.extend([*key, *value].concat());
        }
        page.extend(data);
        page
    }

    fn meta_page(transaction: u64, root: u64) -> Vec<u8> {
        let words = [META_MAGIC, 2, 4096, 0].map(u32::to_le_bytes).concat();
        let numbers = [root, 0, 0, 0, transaction, 0]
            .map(u64::to_le_bytes)
            .concat();
        [&[0; PAGE_HEADER][..], &words, &numbers].concat()
    }

    /// A file whose older meta page leads to a network that is gone.
    fn file() -> Vec<u8> {
        let network = |name: &str, subnet: &str| {
            let data = format!(r#"{{"Pool":"{subnet}","Gateway":"172.18.0.1/16"}}"#);
            let info = serde_json::json!([{ "IPAMData": data }]).to_string();
            let stored = serde_json::json!({"name": name, "id": "0123456789abcdef", "networkType":
                "bridge", "scope": "local", "created": "", "ipamV4Info": info, "generic": {}});
            let value = [&[0; INDEX][..], stored.to_string().as_bytes()].concat();
            let inside = page(LEAF, &[(0, b"docker/network/v1.0/network/x/", &value)]);
            let bucket = [&[0; PAGE_HEADER][..], &inside].concat();
            page(LEAF, &[(IS_BUCKET, b"libnetwork", &bucket)])
        };
        let pages = [
            meta_page(7, 2),
            meta_page(8, 3),
            network("gone", "172.18.0.0/16"),
            network("web", "172.19.0.0/16"),
        ];
        let padded = pages.into_iter().flat_map(|mut page| {
            page.resize(PAGE, 0);
            page
        });
        padded.collect()
    }

    #[test]
    fn the_newest_tree_counts() {
        let networks = networks_of(&file()).unwrap();
        let shown: Vec<String> = networks
            .iter()
            .map(|one| format!("{} {:?} {:?}", one.name, one.bridge, one.subnets))
            .collect();
        assert_eq!(shown, ["web Some(\"br-0123456789ab\") [172.19.0.0/16]"]);
    }

    /// Nothing in a damaged file makes the walk fail or go round for ever.
    #[test]
    fn damage_is_survived() {
        let good = file();
        for end in (0..good.len()).step_by(97) {
            let _ = networks_of(&good[..end]);
        }
        for at in (0..good.len()).filter(|at| at % PAGE < 400) {
            for value in [0, 1, 2, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = networks_of(&bad);
            }
        }
        assert_eq!(networks_of(b"nonsense"), None);
        assert_eq!(networks_of(b""), Some(Vec::new()));
    }
}
