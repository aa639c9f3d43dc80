//! First stage: reads the host into [`Facts`] and decides nothing. The only readers of the kernel,
//! of files and of the engine; verify uses the very same ones.

mod as_started;
pub mod changes;
mod compose;
pub mod config_file;
pub mod configured;
mod dies_with;
mod docker;
pub mod endpoints;
pub mod engine;
pub mod firewall;
mod flags;
mod forward_filter;
pub mod init_script;
mod interrupted;
mod keepers;
pub mod kernel;
mod listeners;
pub mod loaded;
mod next_start;
pub mod operator;
mod package;
pub mod process;
pub mod relevant;
mod relief_record;
pub mod resolver;
mod rootless;
pub mod route_of;
pub mod service;
mod set_by_rebridge;
pub mod stored_networks;
pub mod unit;
mod wireless;

use crate::docker::endpoint::Endpoint;
use crate::facts::{
    Docker, DockerState, Engine, Facts, Kernel, Named, Nameserver, Network, ServiceManager,
};
use crate::host::Host;
use crate::subnet::v4;
use engine::Depth;
use next_start::NextStart;
use operator::Session;
use process::Process;
use relevant::RelevantSpace;
use service::Service;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};

/// Looks at everything. What cannot be seen is named in `unseen`; it is never an error.
///
/// The engine takes about as long to answer as the kernel does; they are asked at the same time.
pub fn observe(host: &Host) -> Facts {
    look(host, Depth::Verify)
}

/// The same, quicker: the engine is not asked for settings that are known without asking.
pub fn observe_quickly(host: &Host) -> Facts {
    look(host, Depth::Check)
}

/// The same, and every container as closely as a restart of Docker needs it.
pub fn observe_closely(host: &Host) -> Facts {
    look(host, Depth::Act)
}

/// The same, and what else a change of Docker's bridges could take away. It takes child processes.
pub fn observe_before_a_change(host: &Host) -> Facts {
    let mut facts = observe_closely(host);
    if host.is_image() {
        return facts;
    }
    let path = facts.docker.config.path.clone();
    facts.docker.config.read_only = host.cannot_replace(Path::new(&path));
    facts.docker.config.keepers = keepers::of(host, &path);
    if facts.docker.state == DockerState::Absent {
        return facts;
    }
    let engine = facts.docker.engine.as_ref();
    let dependents = match facts.docker.service {
        Some(ServiceManager::Systemd) => dies_with::dependents(host, facts.docker.unit()),
        Some(_) | None => BTreeSet::new(),
    };
    facts.dies_with = dies_with::read(host, engine, &dependents);
    facts.docker.dependents = dies_with::running(host, dependents);
    facts.firewall = Some(firewall::read(host, &facts.docker_devices()));
    facts
}

/// The same, and what filters the packets that containers send past the bridge. It takes child
/// processes, too.
pub fn observe_before_relief(host: &Host) -> Facts {
    let mut facts = observe_closely(host);
    add_forward_filter(host, &mut facts);
    facts
}

pub fn add_forward_filter(host: &Host, facts: &mut Facts) {
    if facts.docker.state == DockerState::Running {
        facts.forward_filter = Some(forward_filter::read(host));
    }
}

fn look(host: &Host, depth: Depth) -> Facts {
    thread::scope(|scope| {
        // While Docker runs this is needed last of all, and it takes a while: many folders.
        let running = Process::of_pidfile(host).map(|process| Service::of_process(host, process));
        let unit = running.as_ref().and_then(|service| service.unit.clone());
        let reading = scope.spawn(move || NextStart::read(host, unit.as_deref()));
        let (service, next) = match running {
            Some(service) => (service, Err(reading)),
            None => {
                let next = joined(reading);
                (Service::of_next_start(host, &next), Ok(next))
            }
        };
        let configured = scope.spawn(|| configured::read(host));
        let mut docker = docker::known_without_asking(host, &service);
        let config = docker.config.clone();
        let process = service.process.clone();
        let endpoints = endpoints::of(host, &service, &config);
        if docker.state == DockerState::Running && !endpoints.is_usual_first() {
            docker.listens = endpoints.plain.iter().map(Endpoint::url).collect();
        }
        let asked = endpoints.clone();
        let engine =
            scope.spawn(move || docker::ask_engine(host, &asked, depth, &service, &config));
        let session = operator::session(host);
        let mut look = look_at_kernel(host, &docker, session);
        docker.rootless = rootless::users(host);
        docker.rootless_networks = rootless::networks(host);
        let mut unseen: Vec<String> = config_file::problem(&docker.config).into_iter().collect();
        let interrupted = interrupted::read(host, &mut unseen);
        match engine.join() {
            Ok(Ok(engine)) => docker.engine = engine,
            Ok(Err(error)) => {
                docker.not_asked = docker::not_asked(&error);
                unseen.push(format!("Docker's own view of its networks: {error}"));
            }
            Err(_) => unseen
                .push("Docker's own view of its networks: its answer could not be read".to_owned()),
        }
        docker.config.loaded = process.and_then(|process| {
            let pidfile = Path::new(process.pidfile?);
            as_started::is_loaded(host, process.pid, pidfile, &docker.config)
        });
        if docker.engine.is_none() {
            match stored_networks::read(host, docker::data_root(&docker)) {
                Ok(stored) => docker.stored = Some(stored),
                Err(why) => unseen.push(format!("Docker's stored networks: {why}")),
            }
        }
        // A network may have come or gone between the engine's answer and the kernel's.
        if lists_too_few(&docker, &look.kernel)
            && let Ok(engine) = engine::read(host, &endpoints, depth, None)
        {
            docker.engine = Some(engine);
            look = look_at_kernel(host, &docker, session);
        }
        // The engine may hold, or be about to take, ranges that neither the kernel nor the file
        // names.
        if !look.space.covers(&docker) {
            look = look_at_kernel(host, &docker, session);
        }
        keep_residents_of_docker(&mut look.kernel, docker.engine.as_ref());
        if let Some(engine) = &mut docker.engine {
            let seen = addresses(&look);
            engine::explain_strangers(host, &endpoints, depth, &seen, &look.kernel, engine);
        }
        let root = docker::data_root(&docker).to_owned();
        if let Some(engine) = &mut docker.engine {
            let in_force = engine.in_force.as_ref().map(|in_force| &in_force.data_root);
            let root = in_force.cloned().unwrap_or(root);
            stored_networks::add_who_chose(host, &root, &mut engine.networks);
            engine::find_unused(host, &endpoints, engine);
        }
        docker::add_next_start(host, &mut docker, &next.unwrap_or_else(joined));
        unseen.extend(look.unseen);
        let compose = compose::read(host, docker.engine.as_ref());
        let (mut configured, unread) = configured.join().unwrap_or_default();
        configured.retain(|one| look.space.concerns(&one.net));
        let named = match depth {
            Depth::Act => add_users_of_addresses(host, &mut look.kernel, &mut docker),
            Depth::Check | Depth::Verify => Vec::new(),
        };
        Facts {
            schema: 1,
            root: nix::unistd::geteuid().is_root(),
            interrupted,
            kernel: look.kernel,
            nameservers: look.nameservers,
            operator: session.map(|session| session.peer),
            wireless_profile: wireless::profile(host),
            docker,
            configured,
            unread,
            compose,
            named,
            firewall: None,
            forward_filter: None,
            relief_on_record: relief_record::read(host),
            dies_with: None,
            unseen,
            taken: None,
        }
    })
}

/// Those that this host has called, that it talks to, and where it resolves names.
fn addresses(look: &Look) -> Vec<IpAddr> {
    let called = look.kernel.neighbours.iter().map(|one| one.address);
    let peers = look.kernel.peers.iter().map(|one| one.address);
    let servers = look.nameservers.iter().map(|one| one.address);
    called.chain(peers).chain(servers).collect()
}

/// Adds what uses the addresses of Docker's bridges by number; gives the settings of the host's
/// resolver that do. Other addresses are nobody's business.
fn add_users_of_addresses(host: &Host, kernel: &mut Kernel, docker: &mut Docker) -> Vec<Named> {
    let networks = docker.engine.iter().flat_map(|engine| &engine.networks);
    let bridges: BTreeSet<&str> = networks
        .filter_map(|network| network.bridge.as_deref())
        .collect();
    let links = kernel
        .links
        .iter()
        .filter(|link| link.has_a_docker_name() || bridges.contains(link.name.as_str()));
    let addresses: BTreeSet<Ipv4Addr> = links
        .flat_map(|link| link.addresses.iter().filter_map(v4))
        .map(|net| net.addr())
        .collect();
    let others: BTreeSet<Ipv4Addr> = kernel
        .links
        .iter()
        .flat_map(|link| link.addresses.iter().filter_map(v4))
        .map(|net| net.addr())
        .filter(|address| !address.is_loopback() && !addresses.contains(address))
        .collect();
    kernel.listeners = listeners::read(host, &addresses, &others);
    let is_ours = |address: &IpAddr| match address {
        IpAddr::V4(address) => addresses.contains(address),
        IpAddr::V6(_) => false,
    };
    if let Some(engine) = &mut docker.engine {
        let containers = engine.containers.iter_mut().chain(&mut engine.idle);
        for detail in containers.filter_map(|one| one.detail.as_mut()) {
            detail.mentions.retain(|one| is_ours(&one.address));
        }
    }
    let mut named = resolver::stubs(host);
    named.retain(|one| is_ours(&one.address));
    named
}

/// Whether the kernel has a bridge with a name as Docker gives it that the engine does not list.
fn lists_too_few(docker: &Docker, kernel: &Kernel) -> bool {
    let Some(engine) = &docker.engine else {
        return false;
    };
    let mut links = kernel.links.iter();
    links.any(|link| {
        let listed = |network: &Network| network.bridge.as_ref() == Some(&link.name);
        link.has_a_docker_name()
            && !link.has_dockers_own_name()
            && !engine.networks.iter().any(listed)
    })
}

/// A thread that could not read it has nothing to say.
fn joined(reading: ScopedJoinHandle<NextStart>) -> NextStart {
    reading.join().unwrap_or_default()
}

/// What the kernel and the resolver say.
#[derive(Default)]
struct Look {
    kernel: Kernel,
    nameservers: Vec<Nameserver>,
    space: RelevantSpace,
    unseen: Vec<String>,
}

/// An image has neither kernel nor resolver.
fn look_at_kernel(host: &Host, docker: &Docker, session: Option<Session>) -> Look {
    if host.is_image() {
        return Look::default();
    }
    let mut unseen = Vec::new();
    let mut reader = kernel::Reader {
        unseen: &mut unseen,
    };
    let links = reader.links();
    let nameservers = resolver::read(host, &links, reader.unseen);
    let space = RelevantSpace::new(links.values(), docker);
    let mut kernel = reader.rest(links, &space, &operator::ssh_ports(host, session));
    kernel.wsl = is_wsl(host);
    Look {
        kernel,
        nameservers,
        space,
        unseen,
    }
}

/// Microsoft's own kernels say so in their release.
fn is_wsl(host: &Host) -> bool {
    let release = host.read(Path::new("/proc/sys/kernel/osrelease"));
    let release = release.ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&release).contains("microsoft-standard")
}

/// Other bridges may have a whole LAN on them.
fn keep_residents_of_docker(kernel: &mut Kernel, engine: Option<&Engine>) {
    let networks = engine.iter().flat_map(|engine| &engine.networks);
    let named = networks.filter_map(|network| network.bridge.as_deref());
    let made = kernel.links.iter().filter(|link| link.has_a_docker_name());
    let bridges: BTreeSet<&str> = named.chain(made.map(|link| link.name.as_str())).collect();
    let residents = &mut kernel.residents;
    residents.retain(|resident| bridges.contains(resident.dev.as_str()));
}
