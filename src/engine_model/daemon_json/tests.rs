#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn of(text: &str, version: &str) -> Vec<Fault> {
    faults(text, Version::parse(version))
}

fn names(text: &str, version: &str) -> Vec<String> {
    let names = of(text, version).into_iter().map(|fault| match fault {
        Fault::Empty => "empty".to_owned(),
        Fault::ByteOrderMark => "mark".to_owned(),
        Fault::UnknownKey {
            key, line, near, ..
        } => {
            format!("{key}@{}?{}", line.unwrap_or_default(), near.unwrap_or("-"))
        }
        Fault::WrongValue { key, line, .. } => format!("{key}@{line}!"),
    });
    names.collect()
}

#[test]
fn unknown_keys_are_named_with_line_and_near_miss() {
    for (text, version, want) in [
        ("{\"bip\": \"10.0.0.1/24\"}", "26.1.5", vec![]),
        ("{\n\"Bip\": \"x\"}", "26.1.5", vec!["Bip@2?bip"]),
        (
            "{\"log_driver\": 1}",
            "26.1.5",
            vec!["log_driver@1?log-driver"],
        ),
        (
            "{\n\n\"registry-miror\": []}",
            "26.1.5",
            vec!["registry-miror@3?registry-mirrors"],
        ),
        ("{\"zzz\": 1}", "26.1.5", vec!["zzz@1?-"]),
        ("{\"zzz\": 1}", "29.7.9", vec!["zzz@1?-"]),
        ("{\"zzz\": 1}", "", vec!["zzz@1?-"]),
        ("{\"zzz\": 1}", "30.0.0", vec![]),
        ("{\"bip6\": \"\"}", "26.1.5", vec!["bip6@1?-"]),
        ("{\"bip6\": \"\"}", "28.5.2", vec![]),
        ("{\"bip6\": \"\"}", "", vec![]),
        ("{\"graph\": \"/x\"}", "20.10.24", vec![]),
        ("{\"graph\": \"/x\"}", "24.0.9", vec!["graph@1?-"]),
        ("{\"zzz\": {\"debug\": true}}", "26.1.5", vec![]),
        (
            "{\"zzz\": {\n\"debugg\": true}}",
            "26.1.5",
            vec!["debugg@2?debug"],
        ),
        (
            "{\"proxies\": {\"http-proxy\": \"x\"}}",
            "20.10.24",
            vec!["http-proxy@1?-"],
        ),
        ("{\"proxies\": {\"http-proxy\": \"x\"}}", "23.0.0", vec![]),
        ("{\"default-address-pool\": []}", "26.1.5", vec![]),
    ] {
        assert_eq!(names(text, version), want, "{text} {version}");
    }
}

#[test]
fn values_must_have_the_type_of_their_key() {
    for (text, wrong) in [
        ("{\"mtu\": 1450}", false),
        ("{\"mtu\": \"1450\"}", true),
        ("{\"mtu\": 1450.0}", true),
        ("{\"mtu\": null}", false),
        ("{\"debug\": \"true\"}", true),
        ("{\"dns\": \"10.0.0.1\"}", true),
        ("{\"dns\": [\"10.0.0.1\"]}", false),
        ("{\"log-opts\": {\"max-file\": 3}}", true),
        ("{\"log-opts\": {\"max-file\": \"3\"}}", false),
        ("{\"bip\": {}}", true),
        ("{\"bip\": \"10.0.0.1\"}", true),
        ("{\"bip\": \"\"}", false),
        ("{\"default-shm-size\": \"64M\"}", false),
        ("{\"default-shm-size\": 64}", true),
        (
            "{\"default-address-pools\": [{\"Base\": \"10.0.0.0/8\", \"Size\": 24}]}",
            false,
        ),
        (
            "{\"default-address-pools\": [{\"base\": \"10.0.0.0/8\", \"size\": \"24\"}]}",
            true,
        ),
        (
            "{\"default-address-pools\": {\"base\": \"10.0.0.0/8\"}}",
            true,
        ),
    ] {
        let found = of(text, "26.1.5");
        let has_wrong = found
            .iter()
            .any(|fault| matches!(fault, Fault::WrongValue { .. }));
        assert_eq!(has_wrong, wrong, "{text}: {found:?}");
    }
}

#[test]
fn what_only_old_engines_refuse() {
    for version in ["20.10.24", "22.06.0"] {
        assert_eq!(names("\u{feff}{}", version), ["mark"]);
        assert_eq!(names(" \n", version), ["empty"]);
    }
    for version in ["23.0.0", "28.5.2", ""] {
        assert_eq!(names("\u{feff}{}", version), [""; 0]);
        assert_eq!(names("", version), [""; 0]);
    }
}

#[test]
fn a_flag_that_is_no_key_is_told_apart() {
    let found = unread("{\n\"default-address-pool\": [], \"bip\": \"\"}");
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].line, found[0].reads),
        (2, "default-address-pools")
    );
}
