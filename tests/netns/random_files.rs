//! Two hundred daemon.json files that nobody thought of: an apply keeps every byte that is not its
//! own, and a rollback puts the whole file back.

use crate::sandbox::{REBRIDGE, Sandbox};
use serde_json::Value;

const FILES: u32 = 200;

/// Always the same sequence: a file that fails can be looked at again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn space(&mut self) -> String {
        let pieces = ["", " ", "  ", "\t", "\n", "\r\n", "\n    ", "\n\n\t"];
        self.pick(&pieces).to_owned()
    }

    /// A value spelled as only a person would.
    fn value(&mut self, depth: usize) -> String {
        let plain = [
            "0",
            "-0.0",
            "1e3",
            "1.0E+2",
            "9007199254740993",
            "true",
            "null",
            "\"\"",
            "\"é\\u00e9\\/\"",
            "\"a\\\"b\"",
        ];
        let inside =
            |dice: &mut Dice| format!("{}{}{}", dice.space(), dice.value(depth + 1), dice.space());
        let parts: Vec<String> = (0..if depth < 3 { self.below(4) } else { 0 })
            .map(|_| inside(self))
            .collect();
        match self.below(if depth < 3 { 4 } else { 2 }) {
            0 | 1 => self.pick(&plain).to_owned(),
            2 if parts.is_empty() => format!("[{}]", self.space()),
            2 => format!("[{}]", parts.join(",")),
            _ if parts.is_empty() => format!("{{{}}}", self.space()),
            _ => {
                let member = |(at, part): (usize, &String)| {
                    format!("{}\"k{at}\"{}:{part}", self.space(), self.space())
                };
                let members: Vec<String> = parts.iter().enumerate().map(member).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// A file: its text, and the members in it that are none of rebridge's, as they are spelled.
    fn file(&mut self) -> (String, Vec<String>) {
        let foreign = [
            "log-opts",
            "labels",
            "debug",
            "x-site",
            "\\u0062ip-note",
            "mtu",
            "ü",
        ];
        let mut members: Vec<(bool, String)> = Vec::new();
        for name in foreign {
            if self.below(2) == 0 {
                members.push((
                    true,
                    format!(
                        "\"{name}\"{}:{}{}",
                        self.space(),
                        self.space(),
                        self.value(0)
                    ),
                ));
            }
        }
        let own = [
            "\"bip\": \"172.17.0.1/16\"",
            "\"default-address-pools\":[ {\"size\":24, \"base\":\"172.17.0.0/16\"} ]",
        ];
        for member in own {
            if self.below(3) == 0 {
                let at = self.below(members.len() + 1);
                members.insert(at, (false, member.to_owned()));
            }
        }
        let spaced: Vec<String> = members
            .iter()
            .map(|(_, member)| format!("{}{member}{}", self.space(), self.space()))
            .collect();
        let body = if spaced.is_empty() {
            self.space()
        } else {
            spaced.join(",")
        };
        let text = format!("{}{{{body}}}{}", self.space(), self.space());
        (
            text,
            members
                .into_iter()
                .filter(|(foreign, _)| *foreign)
                .map(|(_, member)| member)
                .collect(),
        )
    }
}

#[test]
fn two_hundred_random_files_keep_their_bytes_and_come_back_whole() {
    let sandbox = Sandbox::new();
    let mut dice = Dice(0x5EED);
    for number in 0..FILES {
        let (text, foreign) = dice.file();
        sandbox.put("/etc/docker/daemon.json", &text);
        let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.16.0.0/12"]);
        assert_eq!(
            (code, &report["outcome"]),
            (0, &"changed".into()),
            "file {number}: {text:?}\n{report:#}"
        );
        let after = sandbox.read("/etc/docker/daemon.json").unwrap();
        let value: Value = serde_json::from_str(&after).unwrap();
        assert_eq!(value["bip"], report["plan"]["docker0"], "file {number}");
        let mut rest = after.as_str();
        for member in &foreign {
            let (_, behind) = rest.split_once(member.as_str()).unwrap_or_else(|| {
                panic!(
                    "file {number}: {member:?} is not in its place any more: {text:?} became \
                        {after:?}"
                )
            });
            rest = behind;
        }
        let ours = if foreign.is_empty() {
            ""
        } else {
            &text[text.rfind('}').unwrap()..]
        };
        assert!(
            after.ends_with(ours),
            "file {number}: {text:?} became {after:?}"
        );
        assert_eq!(
            sandbox.run(&[REBRIDGE, "rollback", "--yes", "--json"]).code,
            0,
            "file {number}"
        );
        assert_eq!(
            sandbox.read("/etc/docker/daemon.json").unwrap(),
            text,
            "file {number}"
        );
    }
}
