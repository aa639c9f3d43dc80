//! What rebridge reads out of unit files, held against what systemd made of them, and what follows
//! from it for a Docker that is stopped, runs with other flags, or lies in an image.

use crate::lab::Lab;
use rebridge::host::Host;
use rebridge::observe::unit::{self, Unit};
use serde_json::{Value, json};
use std::path::PathBuf;

on_every_engine!(
    units_are_read_as_systemd_reads_them,
    variables_are_put_in_as_systemd_does,
    flags_are_those_of_the_process_and_of_the_next_start,
);

const ETC: &str = "/etc/systemd/system/docker.service.d";
const RUN: &str = "/run/systemd/system/docker.service.d";

/// Unit files to put on a host, as a shell script, each arrangement beside the stock unit.
const ARRANGEMENTS: [(&str, &str); 12] = [
    ("the stock unit", ""),
    (
        "a command of its own",
        r#"put $ETC/o.conf <<'E'
[Service]
ExecStart=
ExecStart=-/usr/sbin/dockerd -H fd:// \
  # between
  --bip="10.9.0.1/24" \
; and this
  --label 'a  b'="c\"d" $DOCKER_OPTS ${X}
E"#,
    ),
    (
        "variables of every kind",
        r#"put $ETC/o.conf <<'E'
[Service]
Environment=A=1 "B=two words" 'C=it"s' D=\x41\t\101\u00e9 E=%n-%p-%%-%H-%t F=
Environment="A=again" G="x y"z
EnvironmentFile=-/etc/default/%p
EnvironmentFile=/etc/environment
[Unit]
Environment=NO=1
[Service]
 Environment = H=8  
E"#,
    ),
    (
        "variables taken back",
        r#"put $ETC/a.conf <<'E'
[Service]
Environment=A=1
EnvironmentFile=
EnvironmentFile=-/etc/one
E
put $ETC/b.conf <<'E'
[Service]
Environment=
Environment=B=2
EnvironmentFile=/etc/two
E"#,
    ),
    (
        "drop-ins that hide each other",
        r#"for folder in $ETC $RUN /usr/lib/systemd/system/docker.service.d; do
put $folder/50-x.conf <<E
[Service]
Environment=FROM=$folder
E
done
put $RUN/60-y.conf <<<$'[Service]\nEnvironment=Y=1'
ln -s /dev/null $ETC/60-y.conf
put $RUN/10-z.conf <<<$'[Service]\nEnvironment=FROM=z Z=1'
touch $ETC/note.txt"#,
    ),
    (
        "other names",
        r#"ln -s /lib/systemd/system/docker.service /etc/systemd/system/container-engine.service
ln -s container-engine.service /etc/systemd/system/moby.service
put /etc/systemd/system/container-engine.service.d/10-a.conf <<<$'[Service]\nEnvironment=ALIAS=1'
put /etc/systemd/system/container-.service.d/20-b.conf <<<$'[Service]\nEnvironment=PREFIX=1'
put /run/systemd/system/moby.service.d/30-c.conf <<<$'[Service]\nEnvironment=SECOND=1'"#,
    ),
    (
        "drop-ins for all services, and of systemctl",
        r#"put /etc/systemd/system/service.d/05-all.conf <<<$'[Service]\nEnvironment=ALL=1 OWN=0'
put $ETC/o.conf <<<$'[Service]\nEnvironment=OWN=1'
systemctl set-property --runtime docker.service CPUWeight=50
systemctl set-property docker.service TasksMax=5000"#,
    ),
    (
        "a unit of the operator's",
        r#"sed 's|^ExecStart=.*|ExecStart=/usr/bin/dockerd --bip=10.9.0.1/24|' $(systemctl show -P FragmentPath docker.service) |
put /etc/systemd/system/docker.service"#,
    ),
    (
        "a unit from elsewhere",
        r#"put /opt/docker.service <<<$'[Service]\nType=oneshot\nExecStart=/usr/bin/dockerd --icc=false ; /bin/true one'
ln -s /opt/docker.service /etc/systemd/system/docker.service"#,
    ),
    (
        "a link to the unit below",
        r#"ln -s /lib/systemd/system/docker.service /etc/systemd/system/docker.service"#,
    ),
    (
        "what systemd ignores",
        r#"put $ETC/o.conf <<'E'
Environment=OUTSIDE=1
[Service]
no assignment
Environment="OPEN=1
Environment=GOOD=1
ExecStart=
ExecStart=:@/usr/bin/dockerd docker --label=%p $A "${B}"
[X-Ours]
Environment=X=1
E"#,
    ),
    (
        "a mask",
        "ln -s /dev/null /run/systemd/system/docker.service",
    ),
];

/// The host's files as systemd sees them, what lies in /run included.
fn root_of(lab: &Lab) -> PathBuf {
    let folder = lab.path("/").parent().unwrap().to_path_buf();
    let nspawn = std::fs::read_to_string(folder.join("pid")).unwrap();
    let nspawn = nspawn.split_whitespace().next().unwrap();
    let children = std::fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children"));
    let children = children.unwrap();
    let leader = children.split_whitespace().next().unwrap();
    PathBuf::from(format!("/proc/{leader}/root"))
}

/// A property of docker.service as systemd has it.
fn property(lab: &Lab, interface: &str, name: &str) -> Value {
    let shown = lab.sh(&format!(
        "busctl --json=short get-property org.freedesktop.systemd1 \
         /org/freedesktop/systemd1/unit/docker_2eservice org.freedesktop.systemd1.{interface} {name}"
    ));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    shown["data"].clone()
}

/// One spelling of a path where /lib is a link to /usr/lib.
fn merged(path: &str) -> String {
    match path.strip_prefix("/lib/") {
        Some(rest) => format!("/usr/lib/{rest}"),
        None => path.to_owned(),
    }
}

fn by_systemd(lab: &Lab) -> Value {
    let first = &property(lab, "Service", "ExecStart")[0];
    let arguments = first[1].as_array().map(|argv| argv[1..].to_vec());
    let mut environment: Vec<String> =
        serde_json::from_value(property(lab, "Service", "Environment")).unwrap();
    environment.sort();
    let fragment = property(lab, "Unit", "FragmentPath");
    let drop_ins = property(lab, "Unit", "DropInPaths");
    json!({
        "loaded": property(lab, "Unit", "LoadState") == "loaded",
        "fragment": merged(fragment.as_str().unwrap()),
        "drop_ins": drop_ins.as_array().unwrap().iter().map(|path| merged(path.as_str().unwrap())).collect::<Vec<_>>(),
        "program": first[0],
        "arguments": arguments,
        "environment": environment,
        "files": property(lab, "Service", "EnvironmentFiles"),
    })
}

fn by_us(unit: &Unit) -> Value {
    let settings = &unit.settings;
    let command = settings.command.as_ref();
    let arguments = command.map(|command| {
        let arguments = command.arguments.iter();
        arguments.map(|one| one.text.clone()).collect::<Vec<_>>()
    });
    let environment = settings.environment.iter();
    let environment: std::collections::BTreeMap<&String, &String> =
        environment.map(|(name, value, _)| (name, value)).collect();
    let mut environment: Vec<String> = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    environment.sort();
    json!({
        "loaded": unit.loaded(),
        "fragment": merged(unit.fragment.as_deref().unwrap_or_default()),
        "drop_ins": unit.drop_ins.iter().map(|path| merged(path)).collect::<Vec<_>>(),
        "program": command.map(|command| &command.program),
        "arguments": arguments,
        "environment": environment,
        "files": settings.environment_files,
    })
}

fn units_are_read_as_systemd_reads_them(suite: &str) {
    let lab = Lab::up(suite);
    let host = Host::image(&root_of(&lab));
    lab.sh("systemctl stop docker.socket docker.service; touch /etc/environment /etc/two");
    for (what, script) in ARRANGEMENTS {
        lab.sh(&format!(
            "ETC={ETC}; RUN={RUN}; put() {{ mkdir -p \"${{1%/*}}\"; cat >\"$1\"; }}\n{script}\n\
             systemctl daemon-reload; systemctl show docker.service >/dev/null"
        ));
        assert_eq!(by_us(&unit::read(&host)), by_systemd(&lab), "{what}");
        lab.sh(&format!(
            "rm -rf {ETC} {RUN} /usr/lib/systemd/system/docker.service.d /etc/systemd/system/service.d \
                /etc/systemd/system/container-* /etc/systemd/system/moby.service \
                /run/systemd/system/moby.service.d /etc/systemd/system/docker.service \
                /run/systemd/system/docker.service {{/etc,/run}}/systemd/system.control /opt/docker.service
             systemctl daemon-reload"
        ));
    }
}

/// What stands in for dockerd and notes what it is given, one word a line.
const NOTES: &str = "#!/bin/sh\nprintf '[%s]\\n' \"$@\" >/run/given\n";

fn variables_are_put_in_as_systemd_does(suite: &str) {
    let lab = Lab::up(suite);
    let host = Host::image(&root_of(&lab));
    lab.sh("systemctl stop docker.socket docker.service");
    lab.put("/opt/notes", NOTES);
    lab.sh("chmod +x /opt/notes");
    lab.put(
        "/etc/one",
        "# A=comment\nA=\"--bip 10.0.0.1/24\"\n  B =  two  words  \nC='x'\"y z\"w\nD=\"q\\\"r\\$s\\t\"\n\
         E=a\\ b\\\nc\nF=\"line\nline\"\nexport G=1\nH=it's\nI=\n;J=1\nK=k # no comment\nL=\"--label \\\"a b\\\" c\\\\ d\"\n",
    );
    lab.put("/etc/two", "A=\"$B --icc\"\nM=last");
    for (what, settings) in [
        (
            "alone",
            "ExecStart=/opt/notes $A $B $C $D $E $F $G $H $I $J $K $L $NONE end",
        ),
        (
            "in place",
            "ExecStart=/opt/notes ${A} x${B}y \"${C}\" ${I} ${NONE} $$A $${A} ${A $Ax a$A ${B}${C}",
        ),
        (
            "over both",
            "Environment=\"A=own words\" M=own N=n\nEnvironmentFile=/etc/two\nExecStart=/opt/notes $A $M $N",
        ),
        ("not at all", "ExecStart=:/opt/notes $A ${B} $$"),
    ] {
        lab.put(
            &format!("{ETC}/o.conf"),
            &format!("[Service]\nType=oneshot\nRestart=no\nEnvironmentFile=/etc/one\nExecStart=\n{settings}\n"),
        );
        lab.sh("systemctl daemon-reload; systemctl reset-failed; systemctl start docker.service");
        let words = unit::read(&host).arguments(&host).into_iter();
        let ours: String = words.map(|word| format!("[{}]\n", word.text)).collect();
        assert_eq!(ours, lab.sh("cat /run/given"), "{what}");
    }
}

fn flags_are_those_of_the_process_and_of_the_next_start(suite: &str) {
    let lab = Lab::up(suite);
    // Nobody is to ask systemd.
    let facts = || -> Value {
        let said = lab.sh("mv /usr/bin/systemctl /usr/bin/away; rebridge facts; mv /usr/bin/away /usr/bin/systemctl");
        serde_json::from_str::<Value>(&said).unwrap()["docker"].clone()
    };
    let host = json!(["fd://"]);
    let stock = facts();
    assert_eq!(
        (&stock["state"], &stock["service"]),
        (&json!("running"), &json!("systemd"))
    );
    assert_eq!(stock["flags"], json!({"host": host}));
    assert_eq!(stock["next_flags"], Value::Null);
    // Added since Docker began.
    lab.put(
        "/etc/default/docker",
        "# one\nDOCKER_OPTS=\"--iptables=false --ip-masq=false\"\n",
    );
    let pending = facts();
    let options = json!({"host": host, "iptables": ["false"], "ip-masq": ["false"]});
    assert_eq!(
        (&pending["flags"], &pending["next_flags"]),
        (&stock["flags"], &options)
    );
    assert_eq!(
        pending["flag_places"]["iptables"],
        "/etc/default/docker line 2"
    );
    // In force.
    lab.sh("systemctl restart docker");
    let running = facts();
    assert_eq!(
        (&running["flags"], &running["next_flags"]),
        (&options, &Value::Null)
    );
    assert_eq!(running["flag_places"], pending["flag_places"]);
    // Without its pidfile it runs all the same.
    lab.sh("mv /run/docker.pid /run/docker.pid.away");
    let hidden = facts();
    assert_eq!(
        (&hidden["state"], &hidden["service"]),
        (&json!("running"), &json!("systemd"))
    );
    assert_eq!(hidden["flags"], options);
    lab.sh("mv /run/docker.pid.away /run/docker.pid");
    // Taken out since.
    lab.put("/etc/default/docker", "");
    let taken_out = facts();
    assert_eq!(
        (&taken_out["flags"], &taken_out["next_flags"]),
        (&options, &stock["flags"])
    );
    // Stopped: there is only the next start.
    lab.put("/etc/default/docker", "DOCKER_OPTS=--bip=10.9.0.1/24\n");
    lab.sh("systemctl stop docker.socket docker.service");
    let stopped = facts();
    assert_eq!(
        (&stopped["state"], &stopped["service"]),
        (&json!("stopped"), &json!("systemd"))
    );
    assert_eq!(
        stopped["flags"],
        json!({"host": host, "bip": ["10.9.0.1/24"]})
    );
    assert_eq!(stopped["next_flags"], Value::Null);
    assert_eq!(stopped["flag_places"]["bip"], "/etc/default/docker line 1");
    // A start that takes its time is no dockerd yet.
    lab.put(
        &format!("{ETC}/o.conf"),
        "[Service]\nExecStartPre=/bin/sleep 30\n",
    );
    lab.sh("systemctl daemon-reload; systemctl start --no-block docker.service; timeout 10 sh -c 'until systemctl show -P SubState docker | grep -qx start-pre; do sleep 0.05; done'");
    assert_eq!(facts()["state"], "stopped");
    lab.sh("systemctl stop docker.socket docker.service");
}
