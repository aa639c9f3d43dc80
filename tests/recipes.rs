//! docs/recipes.md keeps its word: each recipe is read by the tool it is for, and what it runs of
//! rebridge is run. Each reader is also given something wrong, which it must refuse.
//!
//! The words after a fence name the recipe, as in "yaml salt".
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The block with these words after its fence.
fn recipe(words: &str) -> String {
    let text = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    let fence = format!("\n```{words}\n");
    let blocks: Vec<&str> = text.split(&fence).skip(1).collect();
    assert_eq!(blocks.len(), 1, "{words}");
    blocks[0].split("```").next().unwrap().to_owned()
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("rebridge-recipes-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A tool that refuses its arguments closes its end.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn tool(arguments: &[&str], input: &str) -> Output {
    let script = root().join("tests/recipes/tool.sh");
    run(Command::new(script).args(arguments), input)
}

fn text(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr];
    both.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

/// What the tool prints of a good file. It must refuse the file without its last bracket.
fn accepted(arguments: &[&str], name: &str, good: &str) -> String {
    let folder = Folder::new(name);
    let (whole, last) = (good.trim_end(), good.trim_end().len() - 1);
    let bad = tool(
        &[arguments, &[&folder.file(name, &whole[..last])]].concat(),
        "",
    );
    assert!(
        !bad.status.success(),
        "{name} may be broken: {}",
        text(&bad)
    );
    let ran = tool(&[arguments, &[&folder.file(name, good)]].concat(), "");
    assert!(ran.status.success(), "{name}: {}", text(&ran));
    String::from_utf8(ran.stdout).unwrap()
}

fn yaml(text: &str) -> Value {
    let script = "puts YAML.load(STDIN.read).to_json";
    let ran = tool(&["ruby", "-ryaml", "-rjson", "-e", script], text);
    assert!(ran.status.success(), "{}", self::text(&ran));
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn rebridge() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rebridge"))
}

fn facts(case: &str) -> String {
    let path = root().join("tests/golden").join(case).join("facts.json");
    path.to_str().unwrap().to_owned()
}

/// The result of a check, of a host whose servers Docker shadows.
fn clashing() -> Value {
    let facts = facts("outage-declared");
    let ran = rebridge()
        .args(["check", "--json", "--avoid", "172.17.0.0/16", "--facts"])
        .arg(facts)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn puppet_validates_the_manifest() {
    accepted(
        &["puppet", "parser", "validate"],
        "site.pp",
        &recipe("puppet"),
    );
}

#[test]
fn ruby_reads_the_recipe_for_chef() {
    let recipe = recipe("ruby");
    assert!(tool(&["ruby", "-c"], &recipe).status.success());
    let broken = recipe.trim_end().trim_end_matches("end");
    assert!(!tool(&["ruby", "-c"], broken).status.success());
}

#[test]
fn salt_gets_the_object_it_reads() {
    let state = yaml(&recipe("yaml salt"));
    let run = state["rebridge"]["cmd.run"].as_array().unwrap();
    let find = |key: &str| run.iter().find_map(|one| one.get(key)).unwrap();
    assert_eq!(find("stateful"), true);
    let command = find("name").as_str().unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words, ["rebridge", "apply", "--yes", "--json"]);
    // The whole of standard output must be one object with `changed`.
    let ran = rebridge()
        .args(["apply", "--json", "--check", "--avoid", "172.17.0.0/16"])
        .args(["--facts", &facts("outage-declared")])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(answer["changed"], true);
}

#[test]
fn nix_reads_the_module_and_docker_what_rebridge_wants() {
    let module = recipe("nix");
    accepted(&["nix-instantiate", "--parse"], "rebridge.nix", &module);
    let folder = Folder::new("nix");
    let file = folder.file("module.nix", &module);
    let settings =
        format!("(import {file} {{ pkgs = {{}}; }}).virtualisation.docker.daemon.settings");
    let ran = tool(
        &[
            "nix-instantiate",
            "--eval",
            "--strict",
            "--json",
            "--store",
            "dummy://",
            "-E",
            &settings,
        ],
        "",
    );
    assert!(ran.status.success(), "{}", text(&ran));
    let settings: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(settings, clashing()["wanted"]["daemon_json"]);
}

#[test]
fn packer_validates_the_template() {
    accepted(
        &["packer", "validate", "-syntax-only"],
        "image.pkr.hcl",
        &recipe("hcl packer"),
    );
}

/// Terraform is in no package of Debian's. Its language is Packer's, so the reader of that says
/// whether the text is HCL.
#[test]
fn terraforms_text_is_hcl_and_names_a_file_that_exists() {
    let text = recipe("hcl terraform");
    accepted(&["packer", "fmt", "-check"], "main.pkr.hcl", &text);
    let file = text.split("${path.module}/").nth(1).unwrap();
    let file = file.split('"').next().unwrap();
    assert!(root().join("cloud-init").join(file).exists(), "{file}");
}

/// Butane is in no package of Debian's. This is what it makes of the file, for Ignition to judge.
fn ignition(butane: &Value) -> Value {
    let files = butane["storage"]["files"].as_array().unwrap();
    let files = files.iter().map(|file| {
        let contents = &file["contents"];
        let inline = contents["inline"].as_str();
        let bytes = inline.map(|text| text.bytes().map(|byte| format!("%{byte:02x}")));
        let source = bytes.map(|bytes| format!("data:,{}", bytes.collect::<String>()));
        let source = source.map_or(contents["source"].clone(), Value::from);
        json!({"path": file["path"], "mode": file["mode"], "contents": {"source": source}})
    });
    json!({
        "ignition": {"version": "3.3.0"},
        "storage": {"files": files.collect::<Vec<_>>()},
        "systemd": butane["systemd"],
    })
}

#[test]
fn ignition_validates_what_butane_makes() {
    let butane = yaml(&recipe("yaml butane"));
    let good = ignition(&butane);
    let ran = tool(&["ignition-validate", "-"], &good.to_string());
    assert!(ran.status.success(), "{}", text(&ran));
    let bad = good.to_string().replace("\"/opt/bin/rebridge\"", "\"opt\"");
    assert!(!tool(&["ignition-validate", "-"], &bad).status.success());
}

/// The names of metrics in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("rebridge_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn alerts_and_panel_use_metrics_that_exist() {
    let folder = Folder::new("metrics");
    let file = folder.file("rebridge.prom", "");
    let ran = rebridge()
        .args(["check", "--avoid", "172.17.0.0/16", "--metrics", &file])
        .args(["--facts", &facts("outage-declared")])
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran));
    let known = metrics(&fs::read_to_string(file).unwrap());
    let panel: Value = serde_json::from_str(&recipe("json grafana")).unwrap();
    let panel = panel["targets"][0]["expr"].as_str().unwrap();
    let named = [metrics(&recipe("yaml prometheus")), metrics(panel)];
    for named in named {
        assert!(
            !named.is_empty() && named.is_subset(&known),
            "{named:?} of {known:?}"
        );
    }
}

/// Hosts: one with an outage, one that is relieved, one whose next networks may clash.
const HOSTS: &str = "\
rule_files: [rules.yaml]
tests:
  - interval: 1m
    input_series:
      - {series: 'rebridge_clashes{kind=\"present\", instance=\"out\"}', values: '1x90'}
      - {series: 'rebridge_relieved_clashes{kind=\"present\", instance=\"out\"}', values: '0x90'}
      - {series: 'rebridge_clashes{kind=\"present\", instance=\"relieved\"}', values: '1x90'}
      - {series: 'rebridge_relieved_clashes{kind=\"present\", instance=\"relieved\"}', values: '1x90'}
      - {series: 'rebridge_clashes{kind=\"latent\", instance=\"later\"}', values: '2x90'}
    alert_rule_test:
      - eval_time: 10m
        alertname: DockerShadowsNetwork
        exp_alerts:
          - exp_labels: {severity: critical, kind: present, instance: out}
            exp_annotations:
              summary: 'out: Docker shadows 1 network(s) that this host needs'
              description: 'Run `rebridge check` there. `rebridge relieve` ends the outage without a restart.'
      - eval_time: 90m
        alertname: DockerMayShadowNetwork
        exp_alerts:
          - exp_labels: {severity: warning, kind: latent, instance: later}
            exp_annotations:
              summary: \"later: Docker's next networks may shadow one that this host needs\"
";

#[test]
fn promtool_checks_the_rules_and_the_right_hosts_alert() {
    let folder = Folder::new("prometheus");
    let rules = folder.file("rules.yaml", &recipe("yaml prometheus"));
    let checked = tool(&["promtool", "check", "rules", &rules], "");
    assert!(checked.status.success(), "{}", text(&checked));
    let hosts = folder.file("hosts.yaml", HOSTS);
    let tested = tool(&["promtool", "test", "rules", &hosts], "");
    assert!(tested.status.success(), "{}", text(&tested));
    let wrong = HOSTS.replace("instance: out", "instance: in");
    let wrong = folder.file("wrong.yaml", &wrong);
    assert!(
        !tool(&["promtool", "test", "rules", &wrong], "")
            .status
            .success()
    );
}

/// The plug-in's exit code and first line, on a host with these facts.
fn plug_in(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = Folder::new(&format!("nagios-{}", arguments.len()));
    let script = folder.file("check_rebridge", &recipe("sh nagios"));
    let binary = Path::new(env!("CARGO_BIN_EXE_rebridge"));
    let path = format!(
        "{}:/usr/bin:/bin",
        binary.parent().unwrap().to_str().unwrap()
    );
    let mut command = Command::new("sh");
    let ran = run(command.arg(script).args(arguments).env("PATH", path), "");
    let first = text(&ran).lines().next().unwrap().to_owned();
    (ran.status.code(), first)
}

#[test]
fn a_monitor_gets_its_own_exit_codes() {
    let outage = facts("outage-declared");
    let (code, line) = plug_in(&["--facts", &outage]);
    assert_eq!(code, Some(0), "{line}");
    assert!(line.starts_with("REBRIDGE OK - clean"), "{line}");
    let (code, line) = plug_in(&["--facts", &outage, "--avoid", "172.17.0.0/16"]);
    assert_eq!(code, Some(2), "{line}");
    assert!(line.starts_with("REBRIDGE CRITICAL - clashing"), "{line}");
    let (code, line) = plug_in(&["--facts", &outage, "--avoid=172.20.0.0/16"]);
    assert_eq!(code, Some(1), "{line}");
    assert!(line.starts_with("REBRIDGE WARNING"), "{line}");
    let (code, line) = plug_in(&["--facts"]);
    assert_eq!(code, Some(3), "{line}");
}

/// apt's own reading of the hook.
fn hook() -> String {
    let folder = Folder::new("apt");
    let file = folder.file("80rebridge", &recipe("text apt"));
    let ran = Command::new("apt-config")
        .args(["-c", &file, "dump", "DPkg::Pre-Install-Pkgs"])
        .output()
        .unwrap();
    let dump = text(&ran);
    let line = dump.lines().find(|line| line.contains("rebridge")).unwrap();
    line.split_once('"')
        .unwrap()
        .1
        .trim_end_matches("\";")
        .to_owned()
}

#[test]
fn the_hook_of_apt_runs_for_docker_alone() {
    let folder = Folder::new("hook");
    let ran = folder.0.join("ran");
    folder.file(
        "rebridge",
        &format!("#!/bin/sh\necho \"$*\" >>{}\n", ran.display()),
    );
    let chmod = format!("chmod 755 {}/rebridge", folder.0.display());
    assert!(
        run(Command::new("sh").args(["-c", &chmod]), "")
            .status
            .success()
    );
    let install = |packages: &str| {
        let path = format!("{}:/usr/bin:/bin", folder.0.display());
        let mut shell = Command::new("sh");
        let ran = run(shell.args(["-c", &hook()]).env("PATH", path), packages);
        assert!(ran.status.success(), "{}", text(&ran));
    };
    install("/var/cache/apt/archives/docker-compose_1.29_all.deb\n");
    assert!(!ran.exists());
    install("/var/cache/apt/archives/tini_0.19_amd64.deb\n/x/docker.io_26.1_amd64.deb\n");
    install("/x/docker-ce_5%3a29.0.0_amd64.deb\n");
    let said = fs::read_to_string(&ran).unwrap();
    assert_eq!(said, "apply --yes --no-restart\n".repeat(2));
}

#[test]
fn zabbix_takes_fields_that_exist() {
    let result = clashing();
    let text = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    let paths = text.split("`$.").skip(1);
    let paths: Vec<&str> = paths.map(|path| path.split('`').next().unwrap()).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in paths {
        let field = path.trim_end_matches(".length()");
        let is_there = match field == path {
            true => result[field].is_string(),
            false => result[field].is_array(),
        };
        assert!(is_there, "{path}");
    }
    let item = recipe("text zabbix");
    let service = root().join("packaging/systemd/rebridge-check.service");
    let service = fs::read_to_string(service).unwrap();
    let file = item.trim_end().rsplit(' ').next().unwrap();
    assert!(service.contains(&format!("--result {file} ")), "{file}");
}
