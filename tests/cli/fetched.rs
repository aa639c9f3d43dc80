//! cloud-init/f-fetch.yaml: what comes from the network runs only with the right checksum.

use super::{Image, text};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const EXAMPLE: &str = include_str!("../../cloud-init/f-fetch.yaml");
const NO_SUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The network is not this test's: it puts the file where curl is told to.
const CURL: &str =
    "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nexec cp \"$SERVED\" \"$2\"\n";

/// The command of `bootcmd`, for an image instead of this host.
fn script(image: &Image, sum: &str) -> String {
    let (_, rest) = EXAMPLE.split_once("  - |\n").unwrap();
    let lines = rest.lines().take_while(|line| line.starts_with("    "));
    let script: String = lines.map(|line| format!("{}\n", &line[4..])).collect();
    let root = image.root();
    script
        .replace("/usr/local/bin", &format!("{root}/bin"))
        .replace(NO_SUM, sum)
        .replace("/run/rebridge.json", &format!("{root}/result.json"))
        .replace("apply --yes", &format!("apply --root {root} --yes"))
}

fn boot(image: &Image, script: &str) -> Output {
    let tools = image.0.join("tools");
    fs::create_dir_all(&tools).unwrap();
    fs::write(tools.join("curl"), CURL).unwrap();
    let path = std::env::var("PATH").unwrap();
    let prepare = format!("chmod +x '{0}/curl'; PATH='{0}':$PATH\n", tools.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &(prepare + script)]).env("PATH", path);
    shell
        .env("SERVED", env!("CARGO_BIN_EXE_rebridge"))
        .output()
        .unwrap()
}

fn checksum(path: &Path) -> String {
    let ran = Command::new("sha256sum").arg(path).output().unwrap();
    text(&ran.stdout)
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn a_fetched_binary_runs_only_with_its_checksum() {
    let image = Image::new("fetched");
    let config = image.0.join("etc/docker/daemon.json");
    let refused = boot(&image, &script(&image, NO_SUM));
    assert!(!refused.status.success() && !config.exists(), "{refused:?}");
    assert!(!image.0.join("bin/rebridge").exists());

    let sum = checksum(Path::new(env!("CARGO_BIN_EXE_rebridge")));
    for round in ["fetched", "already there"] {
        let ran = boot(&image, &script(&image, &sum));
        assert!(ran.status.success(), "{round}: {ran:?}");
        let set = fs::read_to_string(&config).unwrap();
        assert!(set.contains("10.200.255.1/24"), "{round}: {set}");
    }
}
