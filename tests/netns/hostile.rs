//! Answers that nobody should give: cut, endless, absurd or never. rebridge says what it could not
//! see and goes on; it never panics and never waits for ever.

use crate::sandbox::Sandbox;
use crate::sandbox::engine::{Restart, install};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

fn with_engine() -> Sandbox {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    sandbox
}

/// A check that ends with a report and says this about the engine.
fn says(sandbox: &Sandbox, words: &str) {
    let (code, report) = sandbox.json(&["check", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, &report["outcome"]),
        (1, &"clashing".into()),
        "{report:#}"
    );
    assert!(
        report["warnings"].to_string().contains(words),
        "{words}: {:#}",
        report["warnings"]
    );
}

#[test]
fn answers_of_the_engine_that_make_no_sense_are_named() {
    let sandbox = with_engine();
    for (path, body, words) in [
        (
            "/networks",
            &b"[{\"Name\": \"bri"[..],
            "the answer to /networks was not understood",
        ),
        (
            "/networks",
            b"<html>404</html>",
            "the answer to /networks was not understood",
        ),
        (
            "/networks",
            b"",
            "the answer to /networks was not understood",
        ),
        ("/info", b"{}", "the answer to /info was not understood"),
        // Where something clashes, all containers are asked for.
        (
            "/containers/json?all=1",
            b"{\"message\": 1}",
            "the answer to /containers/json?all=1 was not understood",
        ),
    ] {
        let file = sandbox
            .folder()
            .join(format!("answer{}", path.replace('/', "_")));
        sandbox.answer(path, body);
        says(&sandbox, words);
        std::fs::remove_file(file).unwrap();
    }
    // As deep as it takes to exhaust a stack.
    sandbox.answer("/networks", "[".repeat(1 << 20));
    says(&sandbox, "was not understood");
}

#[test]
fn a_name_that_is_not_utf8_hides_nothing() {
    let sandbox = with_engine();
    let mut body = br#"[{"Name":"caf"#.to_vec();
    body.extend(b"\xe9");
    body.extend(br#"","Id":"0123456789abcdef","Scope":"local","Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.9.0.0/16"}]}}]"#);
    sandbox.answer("/networks", body);
    let (_, report) = sandbox.json(&["check", "--avoid", "10.9.8.0/24"]);
    assert_eq!(
        report["clashes"][0]["docker"]["network"], "caf\u{fffd}",
        "{report:#}"
    );
    // The kernel takes any bytes for a link's name but a few.
    let sandbox = Sandbox::with_docker0();
    sandbox.sh("ip link add $(printf 'w\\351g') type bridge");
    sandbox.sh("ip addr add 172.17.4.1/24 dev $(printf 'w\\351g')");
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.4.0/24/onlink"]
    );
}

#[test]
fn engines_of_any_age_are_understood() {
    for (api, oldest, spoken) in [
        ("1.41", None, "1.41"),
        ("1.44", None, "1.44"),
        ("1.55", Some("1.52"), "1.55"),
        ("1.56", Some("1.44"), "1.55"),
        ("1.60", Some("1.58"), "1.58"),
        ("2.0", None, "1.55"),
        ("nonsense", None, "1.55"),
    ] {
        let sandbox = with_engine();
        std::fs::write(sandbox.folder().join("api"), api).unwrap();
        if let Some(oldest) = oldest {
            sandbox.answer("/version", json!({"MinAPIVersion": oldest}).to_string());
        }
        let (code, report) = sandbox.json(&["check", "--avoid", "172.17.0.0/16"]);
        assert_eq!(
            (code, &report["docker"]["version"]),
            (1, &"26.1.5".into()),
            "{api}: {report:#}"
        );
        assert_eq!(report["warnings"], json!([]), "{api}");
        let asked = std::fs::read_to_string(sandbox.folder().join("asked")).unwrap();
        assert!(
            asked.contains(&format!("GET /v{spoken}/networks ")),
            "{api}: {asked}"
        );
    }
}

#[test]
fn ten_thousand_networks_are_no_trouble() {
    let sandbox = with_engine();
    let networks: Vec<Value> = (0..10_000)
        .map(|n| {
            json!({"Name": format!("n{n}"), "Id": format!("{n:016x}"), "Scope": "local", "Driver": "bridge",
                   "IPAM": {"Config": [{"Subnet": format!("10.{}.{}.0/24", n >> 8, n & 255)}]}})
        })
        .collect();
    sandbox.answer("/networks", Value::Array(networks).to_string());
    let began = Instant::now();
    assert_eq!(
        sandbox.clashes(&["--avoid", "10.3.7.9"]),
        ["present/10.3.7.0/24/10.3.7.9/32/declared"]
    );
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "near-linear, also in a debug build: {:?}",
        began.elapsed()
    );
}

#[test]
fn an_engine_that_never_answers_is_given_up() {
    let sandbox = with_engine();
    sandbox.sh("rm /run/docker.sock");
    // Accepted by the kernel, read by nobody.
    let _mute = UnixListener::bind(sandbox.path("/run/docker.sock")).unwrap();
    let began = Instant::now();
    says(&sandbox, "no answer in time");
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn an_engine_that_drips_is_given_up_too() {
    let sandbox = with_engine();
    sandbox.sh("rm /run/docker.sock");
    let slow = UnixListener::bind(sandbox.path("/run/docker.sock")).unwrap();
    std::thread::spawn(move || {
        for mut stream in slow.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            while stream.write_all(b"O").is_ok() {
                std::thread::sleep(Duration::from_millis(500));
            }
        }
    });
    let began = Instant::now();
    says(&sandbox, "no answer in time");
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_resolv_conf_of_a_mebibyte_is_read_as_far_as_it_goes() {
    let sandbox = Sandbox::with_docker0();
    let text = format!(
        "nameserver 172.17.0.2\n{}",
        "search example.com\n".repeat((1 << 20) / 19 + 1)
    );
    sandbox.put("/etc/resolv.conf", &text);
    assert_eq!(
        sandbox.clashes(&[]),
        ["present/172.17.0.0/16/172.17.0.2/32/nameserver"]
    );
}

#[test]
fn facts_from_the_future_or_cut_in_half_are_refused() {
    let sandbox = Sandbox::with_docker0();
    let facts = sandbox.rebridge(&["facts"]).stdout;
    for (text, words) in [
        (
            facts.replacen("\"schema\": 1", "\"schema\": 2", 1),
            "schema 2 is not known",
        ),
        (facts[..facts.len() / 2].to_owned(), "EOF while parsing"),
        ("[]".to_owned(), "invalid"),
        (String::new(), "EOF while parsing"),
    ] {
        sandbox.put("/run/facts.json", &text);
        let (code, report) = sandbox.json(&["check", "--facts", "/run/facts.json"]);
        assert_eq!(
            (code, &report["outcome"]),
            (2, &"refused".into()),
            "{report:#}"
        );
        assert!(
            report["msg"].as_str().unwrap().contains(words),
            "{words}: {}",
            report["msg"]
        );
    }
    // What a newer version adds is no reason to refuse.
    sandbox.put(
        "/run/facts.json",
        &facts.replacen("\"schema\": 1", "\"schema\": 1, \"moon\": \"full\"", 1),
    );
    assert_eq!(sandbox.json(&["check", "--facts", "/run/facts.json"]).0, 0);
}
