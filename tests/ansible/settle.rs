//! One range for a fleet: the playbook that finds it, and the one that carries it out.

use crate::controller::Controller;
use serde_json::{Value, json};
use std::fs;

#[path = "../common/fleet.rs"]
#[allow(dead_code)]
mod fleet;

/// So many hosts have only facts.
const SIMULATED: usize = 200;

#[test]
fn a_fleet_settles_on_one_range() {
    let hosts = [("h20", "bookworm"), ("h26", "trixie"), ("h28", "forky")];
    let controller = Controller::up(&hosts);
    // Another host lives where Docker is, and fifty where each host alone would go.
    let facts = controller.folder.join("rebridge-fleet/facts");
    fs::create_dir_all(&facts).unwrap();
    for at in 0..SIMULATED {
        let (name, group, facts_of) = fleet::host(&fleet::golden("clean"), at);
        let text = json!({"host": name, "group": group, "facts": facts_of}).to_string();
        fs::write(facts.join(format!("{name}.json")), text).unwrap();
    }
    let inventory = fs::read_to_string(controller.folder.join("inventory")).unwrap();
    let away = "[away]\ngone ansible_host=198.51.100.1 ansible_port=1\n";
    controller.write("inventory", &(inventory.clone() + away));
    let played = controller.playbook(&["rebridge.docker.audit"]);
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(played.recap("h20"), (0, 0), "{played:?}");
    assert!(played.stdout.contains("no facts of gone"), "{played:?}");
    assert!(facts.join("h28.json").exists() && !facts.join("gone.json").exists());
    let found = answer(&controller);
    assert_eq!(
        found["counts"]["hosts"],
        SIMULATED + hosts.len(),
        "{played:?}"
    );
    let base = found["groups"][0]["pools"][0]["base"].as_str().unwrap();
    assert_eq!((base, &found["groups"][1]), ("10.214.0.0/16", &Value::Null));
    let all = SIMULATED + hosts.len();
    assert_eq!(found["groups"][0]["clear_on"], all);
    let page = fs::read_to_string(controller.folder.join("rebridge-fleet/fleet.html")).unwrap();
    assert!(page.contains("web-0199") && page.contains("10.214.0.0/16"));

    // The first host fails its probe: it is as it was, and the roll stops.
    controller.write("inventory", &inventory);
    let dead = r#"{"rebridge_probe": ["172.17.50.10:9"], "rebridge_serial": [1]}"#;
    let played = controller.playbook(&["rebridge.docker.settle", "-e", dead]);
    assert_eq!(
        controller.result("h20")["outcome"],
        "rolled_back",
        "{played:?}"
    );
    assert_ne!(played.code, 0);
    for (host, _) in hosts {
        assert_eq!(controller.lab.at(host).docker0(), "172.17.0.1/16", "{host}");
    }

    let probe = r#"{"rebridge_probe": ["172.17.50.10:8080"]}"#;
    let played = controller.playbook(&["rebridge.docker.settle", "-e", probe, "--check"]);
    assert_eq!(
        controller.result("h28")["outcome"],
        "would_change",
        "{played:?}"
    );
    let played = controller.playbook(&["rebridge.docker.settle", "-e", probe]);
    assert_eq!(played.code, 0, "{played:?}");
    for (host, _) in hosts {
        let docker0 = controller.lab.at(host).docker0();
        assert!(docker0.starts_with("10.214."), "{host}: {docker0}");
    }
    let again = controller.playbook(&["rebridge.docker.settle", "-e", probe]);
    for (host, _) in hosts {
        assert_eq!(again.recap(host), (0, 0), "{again:?}");
    }
    // With facts taken again these hosts are clear.
    let played = controller.playbook(&["rebridge.docker.audit"]);
    assert_eq!(played.code, 0, "{played:?}");
    let found = answer(&controller);
    for (host, _) in hosts {
        let mut all = found["hosts"].as_array().unwrap().iter();
        let row = all.find(|row| row["name"] == host).unwrap();
        assert_eq!(
            (&row["state"], &row["plan"]["does"]),
            (&json!("clear"), &json!([]))
        );
    }
}

fn answer(controller: &Controller) -> Value {
    let path = controller.folder.join("rebridge-fleet/fleet.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
