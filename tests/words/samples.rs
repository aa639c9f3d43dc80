//! One value or more of every variant of the reasons that become sentences.

use rebridge::apply::cause::{Cause, NotRestored};
use rebridge::apply::check::Check;
use rebridge::apply::containers::Loss;
use rebridge::apply::file_edit::{Edit, KeyEdit, Setting};
use rebridge::apply::journal::Unreadable;
use rebridge::apply::networks::record::NotRecorded;
use rebridge::apply::note::Note;
use rebridge::apply::recover::Closed;
use rebridge::apply::refusal::{Refusal, Step};
use rebridge::apply::relief::{self, Deed};
use rebridge::apply::undo::Obstacle;
use rebridge::assess::Assessment;
use rebridge::assess::finding::{Finding, Holder, Unusable};
use rebridge::assess::products::PRODUCTS;
use rebridge::assess::sides::DockerSide;
use rebridge::assess::traffic::StaleCall;
use rebridge::docker;
use rebridge::docker::endpoint::Endpoint;
use rebridge::engine_model::daemon_json::Fault;
use rebridge::engine_model::pool_trouble::PoolTrouble;
use rebridge::facts::{
    AddressPool, ComposeSubnet, DiesWith, Facts, FirewallRule, Keeper, LanSign, Listener, Manager,
    Mention, Named, NetGroup, RootlessNetwork, Route, Tool, Version,
};
use rebridge::plan::blocker::{Blocker, StartFault};
use rebridge::plan::notice::Notice;
use rebridge::plan::relief::obstacles::Obstacle as ReliefObstacle;
use rebridge::plan::relief::{OutOfReach, Why};
use rebridge::policy::option::{BadValue, Opt};
use rebridge::policy::read::read_pools;
use rebridge::report::error::Error;

pub struct Sample<T> {
    /// Of the variant.
    pub name: &'static str,
    pub value: T,
}

/// Samples of an enum, by variant. A variant without one does not compile.
macro_rules! samples {
    ($enum:ident { $($variant:ident: $($value:expr),+;)+ }) => {{
        fn name(value: &$enum) -> &'static str {
            match value {
                $($enum::$variant { .. } => stringify!($variant),)+
            }
        }
        let mut samples = Vec::new();
        $($(
            let value = $value;
            assert_eq!(name(&value), stringify!($variant));
            samples.push(Sample { name: stringify!($variant), value });
        )+)+
        samples
    }};
}

const FILE: &str = "/etc/docker/daemon.json";

fn some(word: &str) -> String {
    word.to_owned()
}

fn names(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(str::to_owned).collect()
}

fn pool(word: &str) -> AddressPool {
    read_pools(&[some(word)]).unwrap()[0]
}

pub fn findings() -> Vec<Sample<Finding>> {
    let unusable = |why| Finding::UnusableRange {
        holder: Holder::Network(some("shop_default")),
        subnet: "8.8.8.0/24".parse().unwrap(),
        why,
    };
    let (facts, policy) = super::case_of("ipv6");
    let over = Assessment::of(&facts, &policy).clashes[0].with.clone();
    samples!(Finding {
        StaleCall: Finding::StaleCall(StaleCall {
            address: "172.17.0.9".parse().unwrap(),
            bridge: some("docker0"),
        });
        UnusableRange: unusable(Unusable::Public), unusable(Unusable::Loopback),
            unusable(Unusable::LinkLocal), unusable(Unusable::Multicast), unusable(Unusable::Reserved), Finding::UnusableRange {
                holder: Holder::Pool(pool("base=10.200.0.0/16,size=24")),
                subnet: "10.200.0.0/16".parse().unwrap(),
                why: Unusable::Public,
            };
        OwnNetworksOverlap: Finding::OwnNetworksOverlap {
            overlay: some("ingress"),
            overlay_subnet: "10.0.0.0/24".parse().unwrap(),
            bridge: some("docker0"),
            bridge_subnet: "10.0.0.0/24".parse().unwrap(),
        };
        Ipv6PoolOverNeeded: Finding::Ipv6PoolOverNeeded {
            pool: "fd00:d0c::/64".parse().unwrap(),
            over: Box::new(over.clone()),
        };
        ComposeOverNeeded: Finding::ComposeOverNeeded {
            of: ComposeSubnet {
                network: some("shop_back"),
                subnet: "172.20.0.0/16".parse().unwrap(),
                file: some("/srv/shop/compose.yml"),
                line: 12,
            },
            over: Box::new(over.clone()),
        };
        RootlessOverNeeded: Finding::RootlessOverNeeded {
            of: RootlessNetwork {
                user: 1000,
                net: "10.0.2.0/24".parse().unwrap(),
            },
            over: Box::new(over),
        };
        PastDocker: Finding::PastDocker {
            rule: some("rule 1001 (from 198.51.100.11/32)"),
            table: 101,
            subnet: "172.17.0.0/16".parse().unwrap(),
        };
        PoolsOverlap: Finding::PoolsOverlap {
            first: pool("base=172.16.0.0/12,size=24"),
            second: pool("base=172.20.0.0/16,size=24"),
        };
        EmptyNetwork: Finding::EmptyNetwork {
            network: some("shop"),
            subnet: "172.18.0.0/16".parse().unwrap(),
        };
        PoolsFull: Finding::PoolsFull { capacity: 31 };
    })
}

pub fn blockers() -> Vec<Sample<Blocker>> {
    let (facts, policy) = super::case_of("outage-declared");
    let with = Assessment::of(&facts, &policy).clashes[0].with.clone();
    samples!(Blocker {
        FileBroken: Blocker::FileBroken {
            path: some(FILE),
            why: some("expected a comma in line 3"),
        };
        FileUnreadable: Blocker::FileUnreadable {
            path: some(FILE),
            why: some("Permission denied"),
        };
        FileReadOnly: Blocker::FileReadOnly {
            path: some(FILE),
            why: some("Read-only file system"),
        };
        FileNotEdited: Blocker::FileNotEdited {
            path: some(FILE),
            why: some("the key bip did not change"),
        };
        SettingsElsewhere: Blocker::SettingsElsewhere { system: some("Docker Desktop") };
        FlagInTheWay: Blocker::FlagInTheWay {
            flag: "bip",
            key: "bip",
            value: some("172.17.0.1/16"),
            path: some(FILE),
            place: Some(some("/etc/default/docker line 4")),
        }, Blocker::FlagInTheWay {
            flag: "bip",
            key: "bip",
            value: some("172.17.0.1/16"),
            path: some(FILE),
            place: None,
        };
        BridgeSwitchedOff: Blocker::BridgeSwitchedOff { path: some(FILE) };
        BridgeOfTheOperator: Blocker::BridgeOfTheOperator { path: some(FILE), name: some("br0") };
        NoWayToRestart: Blocker::NoWayToRestart;
        EngineWantsTls: Blocker::EngineWantsTls { at: some("tcp://0.0.0.0:2376") };
        Podman: Blocker::Podman { at: some("/run/docker.sock") };
        EngineSilent: Blocker::EngineSilent {
            unseen: names(&["the engine: no answer in 5 s"]),
        };
        LiveRestore: Blocker::LiveRestore { containers: names(&["web"]), is_relieved: false }, Blocker::LiveRestore {
            containers: names(&["web", "db", "cache", "mail", "queue"]),
            is_relieved: true,
        };
        FileTurnedDown: Blocker::FileTurnedDown {
            path: some(FILE),
            version: Some(some("26.1")),
            faults: vec![
                Fault::UnknownKey {
                    key: some("Bip"), line: Some(2), near: Some("bip"), since: None, until: None,
                },
                Fault::WrongValue {
                    key: some("mtu"), line: 3, wants: "a whole number without quotes",
                },
            ],
        }, Blocker::FileTurnedDown {
            path: some(FILE),
            version: Some(some("20.10")),
            faults: vec![
                Fault::UnknownKey {
                    key: some("bip6"), line: None, near: None,
                    since: Some(Version::of(28, 0, 0)), until: None,
                },
            ],
        }, Blocker::FileTurnedDown {
            path: some(FILE), version: Some(some("20.10")), faults: vec![Fault::Empty],
        }, Blocker::FileTurnedDown {
            path: some(FILE),
            version: None,
            faults: vec![
                Fault::UnknownKey {
                    key: some("zzz"), line: Some(1), near: None, since: None, until: None,
                },
            ],
        };
        PoolsUnusable: Blocker::PoolsUnusable { trouble: PoolTrouble::TooMany(1_048_577) },
            Blocker::PoolsUnusable { trouble: PoolTrouble::Covered },
            Blocker::PoolsUnusable { trouble: PoolTrouble::NoIpv4 };
        NoSubnetForDocker0: Blocker::NoSubnetForDocker0;
        PoolsCovered: Blocker::PoolsCovered {
            pools: vec![pool("base=172.17.0.0/16,size=24")],
            by: Some(Box::new(with)),
        };
        PoolTooNarrow: Blocker::PoolTooNarrow {
            pool: pool("base=10.210.0.0/16,size=28"),
            network: some("bridge"),
            containers: 12,
            size: 27,
        }, Blocker::PoolTooNarrow {
            pool: pool("base=10.210.0.0/16,size=30"),
            network: some("shop_default"),
            containers: 1,
            size: 29,
        };
        NoFreeRange: Blocker::NoFreeRange;
        KeyCannotFollow: Blocker::KeyCannotFollow {
            key: "fixed-cidr",
            value: some("172.17.128.0/17"),
            docker0: "10.200.255.1/24".parse().unwrap(),
        };
        DockerListensOnOldAddress: Blocker::DockerListensOnOldAddress {
            setting: some("\"hosts\""),
            place: some("/etc/docker/daemon.json line 2"),
            address: "172.17.0.1".parse().unwrap(),
        };
        DockerNamesOldAddress: Blocker::DockerNamesOldAddress {
            setting: some("--dns"),
            place: some("/etc/default/docker line 4"),
            address: "172.17.0.1".parse().unwrap(),
        };
        ListensOnOldAddress: Blocker::ListensOnOldAddress {
            network: some("docker0"),
            listener: listener(Some("postgres"), Some(812)),
        }, Blocker::ListensOnOldAddress {
            network: some("docker0"),
            listener: listener(None, None),
        };
        ResolvesAtOldAddress: Blocker::ResolvesAtOldAddress {
            network: some("docker0"),
            address: "172.17.0.1".parse().unwrap(),
            place: some("/etc/resolv.conf"),
        };
        HostNamesOldAddress: Blocker::HostNamesOldAddress {
            network: some("docker0"),
            named: Named {
                address: "172.17.0.1".parse().unwrap(),
                setting: some("DNSStubListenerExtra"),
                file: some("/etc/systemd/resolved.conf.d/docker.conf"),
                line: 2,
            },
        };
        PublishesOnOldAddress: Blocker::PublishesOnOldAddress {
            network: some("docker0"),
            container: some("web"),
            address: "172.17.0.1".parse().unwrap(),
        };
        ContainerNamesOldAddress: Blocker::ContainerNamesOldAddress {
            network: some("docker0"),
            container: some("web"),
            mention: Mention {
                address: "172.17.0.1".parse().unwrap(),
                setting: some("--add-host db"),
            },
        };
        RoutesGoWithBridge: Blocker::RoutesGoWithBridge {
            bridge: some("docker0"),
            routes: through_containers(1),
        }, Blocker::RoutesGoWithBridge {
            bridge: some("docker0"),
            routes: through_containers(2),
        };
        PolicyRuleForOldRange: policy_rule(|_| ()), policy_rule(|rule| {
            (rule.from, rule.to) = (None, "172.16.0.0/12".parse().ok());
        });
        FirewallRuleForOldRange: Blocker::FirewallRuleForOldRange {
            network: some("docker0"),
            from: "172.17.0.0/16".parse().unwrap(),
            to: "10.200.255.0/24".parse().unwrap(),
            rule: Box::new(FirewallRule {
                tool: some("iptables"),
                place: some("table filter"),
                text: some("-A ufw-user-input -s 172.16.0.0/12 -p tcp --dport 5432 -j ACCEPT"),
                groups: vec![NetGroup {
                    inverted: false,
                    nets: vec!["172.16.0.0/12".parse().unwrap()],
                }],
                written: Some("/etc/ufw/user.rules line 25".to_owned()),
            }),
        };
        PendingSetting: pending(Some("/var/lib/docker"), Some("/srv/docker")),
            pending(None, Some("false")), pending(Some("on"), None), pending(None, None);
        OtherConfigFile: Blocker::OtherConfigFile { now: some(FILE), next: some("/srv/daemon.json") };
        WouldNotStart: Blocker::WouldNotStart {
            path: some(FILE),
            fault: StartFault::FlagAndKey { flag: some("host"), key: some("hosts") },
        }, Blocker::WouldNotStart { path: some(FILE), fault: StartFault::IccWithoutIptables };
        Lockout: Blocker::Lockout {
            peer: "172.17.50.3".parse().unwrap(),
            range: "172.17.0.0/16".parse().unwrap(),
        };
        DiesWithDocker: Blocker::DiesWithDocker { place: DiesWith::Unit(some("app.service")) },
            Blocker::DiesWithDocker { place: DiesWith::Container(some("ci")) };
        MovesNeedRestart: Blocker::MovesNeedRestart;
        NoSuchNetwork: Blocker::NoSuchNetwork {
            name: some("shop_defalt"),
            near: Some(some("shop_default")),
            known: names(&["shop_default", "mail_default"]),
        }, Blocker::NoSuchNetwork {
            name: some("x"),
            near: None,
            known: names(&["shop_default", "mail_default"]),
        };
        NetworkOnYourLan: Blocker::NetworkOnYourLan {
            network: some("lan"),
            bridge: some("br0"),
            sign: LanSign::Port(some("eth1")),
        }, Blocker::NetworkOnYourLan {
            network: some("lan"),
            bridge: some("br0"),
            sign: LanSign::DefaultRoute,
        };
        NetworkOfProduct: Blocker::NetworkOfProduct {
            network: some("hassio"),
            product: &PRODUCTS[0],
        };
        NetworkBorrowsSettings: Blocker::NetworkBorrowsSettings {
            network: some("shop_default"),
            from: some("template"),
        };
        ContainerMadeById: Blocker::ContainerMadeById {
            network: some("shop_default"),
            container: some("web"),
        };
        ContainerPublishesOnNetwork: Blocker::ContainerPublishesOnNetwork {
            network: some("shop_default"),
            container: some("web"),
            address: "172.18.0.1".parse().unwrap(),
        };
        ContainerLosesMac: Blocker::ContainerLosesMac {
            network: some("shop_default"),
            container: some("web"),
            mac: some("02:42:ac:12:00:02"),
        };
        NoSubnetForNetwork: Blocker::NoSubnetForNetwork { network: some("shop_default") };
        NoRangeForNetwork: Blocker::NoRangeForNetwork { network: some("shop_default"), prefix: 16 };
    })
}

fn listener(process: Option<&str>, pid: Option<u32>) -> Listener {
    Listener {
        protocol: some("tcp"),
        address: "172.17.0.1".parse().unwrap(),
        port: 5432,
        process: process.map(some),
        pid,
    }
}

fn policy_rule(change: fn(&mut rebridge::facts::Rule)) -> Blocker {
    let mut rule = case_through_containers().kernel.rules[0].clone();
    change(&mut rule);
    Blocker::PolicyRuleForOldRange {
        network: some("docker0"),
        from: "172.17.0.0/16".parse().unwrap(),
        to: "10.200.255.0/24".parse().unwrap(),
        rule: Box::new(rule),
    }
}

fn pending(now: Option<&str>, next: Option<&str>) -> Blocker {
    Blocker::PendingSetting {
        setting: some("\"data-root\""),
        place: some("/etc/docker/daemon.json line 2"),
        now: now.map(some),
        next: next.map(some),
    }
}

fn case_through_containers() -> Facts {
    super::case_of("routes-through-containers").0
}

/// So many routes of that case that lead through a container.
fn through_containers(count: usize) -> Vec<Route> {
    let mut routes = case_through_containers().kernel.routes;
    routes.retain(|route| route.dev.as_deref() == Some("docker0") && route.gateway.is_some());
    assert!(routes.len() >= count);
    routes.truncate(count);
    routes
}

pub fn notices() -> Vec<Sample<Notice>> {
    samples!(Notice {
        FewNetworks: Notice::FewNetworks { networks: 14 };
        PoolIsShared: Notice::PoolIsShared {
            pool: pool("base=100.64.0.0/16,size=24"),
        };
        ContainersStop: Notice::ContainersStop { containers: names(&["web"]) },
            Notice::ContainersStop { containers: names(&["web", "db"]) };
        KeysLost: Notice::KeysLost {
            path: some(FILE),
            keys: names(&["bip", "default-address-pools"]),
            set: some("2026-11-20T10:00:00Z"),
        }, Notice::KeysLost {
            path: some(FILE),
            keys: names(&["bip"]),
            set: some("2026-11-20T10:00:00Z"),
        };
        FileIsKept: Notice::FileIsKept {
            path: some(FILE),
            keeper: Keeper {
                tool: Tool::Puppet,
                sign: some("/var/lib/puppet/state/resources.txt"),
            },
        };
        LeftToManager: Notice::LeftToManager {
            manager: Manager::Nomad,
            containers: names(&["cache"]),
        }, Notice::LeftToManager {
            manager: Manager::Kubernetes,
            containers: names(&["k8s_a", "k8s_b", "k8s_c", "k8s_d"]),
        };
        ContainersAreRemoved: Notice::ContainersAreRemoved { containers: names(&["job"]) },
            Notice::ContainersAreRemoved { containers: names(&["job", "cron"]) };
        KeysComeIntoForce: Notice::KeysComeIntoForce {
            path: some(FILE),
            keys: names(&["log-opts", "registry-mirrors"]),
        };
        WiderThanThePools: Notice::WiderThanThePools {
            network: some("shop_default"),
            subnet: "10.200.252.0/22".parse().unwrap(),
            containers: 300,
        };
        SessionEnds: Notice::SessionEnds { container: some("jump") };
        SubnetByHand: Notice::SubnetByHand { networks: names(&["shop_default", "mail_default"]) };
    })
}

pub fn errors() -> Vec<Sample<Error>> {
    samples!(Error {
        BadValue: Error::BadValue(BadValue::of(Opt::Avoid, "\"banana\" is not a network"));
        OnlyRoot: Error::OnlyRoot { deed: "apply" }, Error::OnlyRoot { deed: "roll back" };
        Busy: Error::Busy { deed: "apply" };
        CannotWatch: Error::CannotWatch { why: "Too many open files (os error 24)".into() };
        NoLock: Error::NoLock {
            deed: "apply",
            path: some("/run/rebridge.lock"),
            why: some("Read-only file system"),
        };
        HalfWay: Error::HalfWay;
        OptionsNotKept: Error::OptionsNotKept {
            path: some("/etc/rebridge/options"),
            why: some("Read-only file system"),
        };
        NotBegun: Error::NotBegun(Refusal::HalfWayNeedsRestart);
        CannotRollBack: Error::CannotRollBack(Obstacle::NothingRecorded);
        RecordUnreadable: Error::RecordUnreadable;
    })
}

pub fn refusals() -> Vec<Sample<Refusal>> {
    let full = || some("No space left on device");
    let mut samples = samples!(Refusal {
        NetworksNotRecorded: Refusal::NetworksNotRecorded(silent()),
            Refusal::NetworksNotRecorded(NotRecorded::NetworkGone { network: some("shop_default") });
        FileIsMounted: Refusal::FileIsMounted { path: some(FILE) };
        FileNotReplaced: Refusal::FileNotReplaced { path: some(FILE), why: full() };
        NotPrepared: Refusal::NotPrepared {
            step: Step::MakeFolder(some("/etc/docker")),
            why: full(),
        };
        DeadManNotArmed: Refusal::DeadManNotArmed { why: some("systemd-run is not installed") };
        NotAcceptedByDockerd: Refusal::NotAcceptedByDockerd {
            path: some(FILE),
            says: some("the following directives don't match any configuration option: bipp"),
        };
        FileEditedMeanwhile: Refusal::FileEditedMeanwhile { path: "/etc/docker/daemon.json".to_owned() };
        PathMoved: Refusal::PathMoved { changed: "/etc/docker/daemon.json".to_owned(), read: "/etc/docker/other.json".to_owned() };
        BrokenBefore: Refusal::BrokenBefore {
            path: some(FILE),
            says: some("the following directives don't match any configuration option: bipp"),
        };
        HalfWayNeedsRestart: Refusal::HalfWayNeedsRestart;
        HalfWayCutsOff: Refusal::HalfWayCutsOff { peer: "172.17.50.3".parse().unwrap(), range: "172.17.0.0/16".parse().unwrap() };
        JournalUnreadable: Refusal::JournalUnreadable(damaged()),
            Refusal::JournalUnreadable(Unreadable::UnknownSchema { schema: 2 });
        JournalNotClosed: Refusal::JournalNotClosed { why: full() };
    });
    let steps = samples!(Step {
        MakeFolder: Step::MakeFolder(some("/etc/docker"));
        Write: Step::Write(some(FILE));
        BackUp: Step::BackUp(some(FILE));
        WriteJournal: Step::WriteJournal;
    });
    samples.extend(steps.into_iter().map(|step| Sample {
        name: step.name,
        value: Refusal::NotPrepared {
            step: step.value,
            why: full(),
        },
    }));
    samples
}

pub fn bad_values() -> Vec<Sample<BadValue>> {
    let values = [
        (
            "of",
            BadValue::of(Opt::Pool, "8.8.0.0/16 is not private address space"),
        ),
        (
            "at",
            BadValue::at(Opt::AvoidFile, "nets line 2", "\"x\" is not a network"),
        ),
        ("plain", BadValue::plain("web17: \"x\" is not a network")),
        (
            "in the options file",
            BadValue {
                option: None,
                value: Some(some("/etc/rebridge/options line 3")),
                why: some("\"x\" is not a network"),
            },
        ),
    ];
    values.map(|(name, value)| Sample { name, value }).into()
}

pub fn notes() -> Vec<Sample<Note>> {
    samples!(Note {
        RuleNamesOldRange: Note::RuleNamesOldRange {
            network: some("docker0"),
            range: "172.17.0.0/16".parse().unwrap(),
            rule: some("-A POSTROUTING -s 172.17.0.0/16 -j ACCEPT"),
        };
        MoreRules: Note::MoreRules { range: "172.17.0.0/16".parse().unwrap(), count: 3 };
        UnitIsDown: Note::UnitIsDown { unit: some("app.service") };
        RecordNotKept: Note::RecordNotKept { why: some("No space left on device") };
        RecordNotRemoved: Note::RecordNotRemoved { why: some("Read-only file system") };
    })
}

pub fn losses() -> Vec<Sample<Loss>> {
    samples!(Loss {
        Removed: Loss::Removed;
        Gone: Loss::Gone;
        NotStarted: Loss::NotStarted(refused("port 80 is taken"));
        DoesNotStay: Loss::DoesNotStay;
        NotStopped: Loss::NotStopped(refused("it is busy"));
        EngineSilent: Loss::EngineSilent(no_answer());
    })
}

fn no_answer() -> docker::Error {
    docker::Kind::Silent.at(&Endpoint::usual())
}

fn refused(words: &str) -> docker::Error {
    docker::Kind::Refused {
        question: None,
        status: 500,
        words: some(words),
    }
    .at(&Endpoint::usual())
}

fn silent() -> NotRecorded {
    NotRecorded::EngineSilent(no_answer())
}

fn damaged() -> Unreadable {
    Unreadable::Damaged {
        why: some("expected value at line 1"),
    }
}

pub fn causes() -> Vec<Sample<Cause>> {
    let docker0 = Check::value("docker0's address", Some("10.200.255.1/24"), None::<&str>);
    let probe = Check::answered("probe web:80", Err(some("connection refused")));
    samples!(Cause {
        EngineSilent: Cause::EngineSilent(no_answer());
        DockerNotStarted: Cause::DockerNotStarted { says: some("the disk is on fire") };
        DockerNotRestarted: Cause::DockerNotRestarted;
        DockerNotAnswering: Cause::DockerNotAnswering(no_answer());
        ContainerNotStopped: Cause::ContainerNotStopped {
            container: some("web"),
            why: refused("it is busy"),
        };
        ContainerNotStarted: Cause::ContainerNotStarted {
            container: some("web"),
            why: refused("port 80 is taken"),
        };
        ContainerNotConnected: Cause::ContainerNotConnected {
            container: some("web"),
            network: some("shop_default"),
            why: refused("the address is in use"),
        };
        ContainerNotDisconnected: Cause::ContainerNotDisconnected {
            container: some("web"),
            network: some("shop_default"),
            why: no_answer(),
        };
        NetworkNotRemoved: Cause::NetworkNotRemoved {
            network: some("shop_default"),
            why: refused("it has active endpoints"),
        };
        NetworkNotCreated: Cause::NetworkNotCreated {
            network: some("shop_default"),
            why: refused("Pool overlaps with other one on this address space"),
        };
        FileNotWritten: Cause::FileNotWritten {
            path: some(FILE),
            why: some("No space left on device"),
        };
        FileNotPutBack: Cause::FileNotPutBack {
            path: some(FILE),
            why: some("Read-only file system"),
        };
        FileNotEdited: Cause::FileNotEdited {
            path: some(FILE),
            why: some("expected a comma in line 3"),
        };
        WrongAfterRestart: Cause::WrongAfterRestart(docker0), Cause::WrongAfterRestart(probe);
        WrongAfterMoves: Cause::WrongAfterMoves(
            Check::equal("the network shop_default", "10.200.0.0/24", "gone"),
        );
    })
}

/// A way back that failed for two reasons, one of which is known.
pub fn not_restored() -> (NotRestored, Cause) {
    let known = Cause::DockerNotStarted {
        says: some("the disk is on fire"),
    };
    let full = Cause::FileNotPutBack {
        path: some(FILE),
        why: some("No space left on device"),
    };
    let not_restored = NotRestored {
        wrong: Check::engine(Some(some("down"))),
        causes: vec![full, known.clone()],
    };
    (not_restored, known)
}

pub fn closed() -> Vec<Sample<Closed>> {
    samples!(Closed {
        Done: Closed::Done;
        NotBegun: Closed::NotBegun;
        WentBack: Closed::WentBack;
        DidNotGoBack: Closed::DidNotGoBack;
    })
}

pub fn obstacles() -> Vec<Sample<Obstacle>> {
    let edited = |edit| Obstacle::FileEdited {
        path: some(FILE),
        began: some("2026-11-25T03:41:32Z"),
        edit,
    };
    let key = |key, then, now| KeyEdit {
        key: some(key),
        then,
        now,
    };
    let keys = Edit::Keys(vec![
        key(
            "bip",
            Setting::Shown("10.200.255.1/24".into()),
            Setting::Absent,
        ),
        key("log-opts", Setting::Hidden, Setting::Hidden),
    ]);
    samples!(Obstacle {
        NothingRecorded: Obstacle::NothingRecorded;
        RecordUnreadable: Obstacle::RecordUnreadable(damaged()),
            Obstacle::RecordUnreadable(Unreadable::UnknownSchema { schema: 2 });
        PathMoved: Obstacle::PathMoved { changed: "/etc/docker/daemon.json".to_owned(), read: "/etc/docker/other.json".to_owned() };
        FileEdited: edited(Edit::NoObject), edited(Edit::LayoutOnly), edited(keys);
        DockerStopped: Obstacle::DockerStopped;
        NetworksNotRecorded: Obstacle::NetworksNotRecorded(silent());
        RangeTaken: Obstacle::RangeTaken {
            network: some("shop_default"),
            subnet: "172.17.0.0/24".parse().unwrap(),
            range: "172.17.0.0/16".parse().unwrap(),
        };
        Blocked: Obstacle::Blocked(vec![Blocker::LiveRestore { containers: names(&["web"]), is_relieved: false }]);
    })
}

pub fn options() -> Vec<Sample<Opt>> {
    samples!(Opt {
        Accept: Opt::Accept;
        Avoid: Opt::Avoid;
        AvoidFile: Opt::AvoidFile;
        DeadMan: Opt::DeadMan;
        Ignore: Opt::Ignore;
        Network: Opt::Network;
        NoRestart: Opt::NoRestart;
        Pool: Opt::Pool;
        Probe: Opt::Probe;
        Remember: Opt::Remember;
        RestartCommand: Opt::RestartCommand;
        Root: Opt::Root;
        Wait: Opt::Wait;
    })
}

/// Every reason why routes do not help.
pub fn out_of_reach() -> Vec<Sample<OutOfReach>> {
    let one = |why: Why| OutOfReach {
        docker: DockerSide::docker0("172.17.0.0/16".parse().unwrap()),
        need: "172.17.0.9/32".parse().unwrap(),
        why,
    };
    let kept = vec!["172.17.0.0/24".parse().unwrap()];
    samples!(Why {
        Ipv6: Why::Ipv6;
        ContainersLose: Why::ContainersLose;
        WhereContainersLive: Why::WhereContainersLive(kept.clone());
        SubnetIsFull: Why::SubnetIsFull;
        SubnetIsPlanned: Why::SubnetIsPlanned;
        NoOtherWay: Why::NoOtherWay;
        TooManyRoutes: Why::TooManyRoutes;
    })
    .into_iter()
    .map(|sample| Sample {
        name: sample.name,
        value: one(sample.value),
    })
    .collect()
}

/// Everything that keeps containers from getting past the bridge.
pub fn relief_obstacles() -> Vec<Sample<ReliefObstacle>> {
    samples!(ReliefObstacle {
        ForwardingOff: ReliefObstacle::ForwardingOff { bridge: some("docker0"), dev: some("eth0") };
        Dropped: ReliefObstacle::Dropped {
            bridge: some("docker0"),
            by: rebridge::kernel_model::filter::Drop { tool: some("iptables"), rule: some("-A DOCKER-USER -i docker0 -j DROP") },
        };
        NotJudged: ReliefObstacle::NotJudged { chain: some("inet site chain forward") };
    })
}

/// Every step of relief that may fail.
pub fn relief_faults() -> Vec<Sample<relief::Fault>> {
    let route = "172.17.1.0/24".parse().unwrap();
    samples!(Deed {
        ReadRecord: Deed::ReadRecord;
        WriteRecord: Deed::WriteRecord;
        AddRoute: Deed::AddRoute(route);
        RemoveRoute: Deed::RemoveRoute(route);
        SwitchProxyArp: Deed::SwitchProxyArp(some("docker0"));
    })
    .into_iter()
    .map(|sample| Sample {
        name: sample.name,
        value: relief::Fault {
            deed: sample.value,
            why: some("No space left on device"),
        },
    })
    .collect()
}
