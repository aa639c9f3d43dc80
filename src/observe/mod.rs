//! First stage: reads the host into [`facts::Facts`] and decides nothing. The only readers of the kernel, of files
//! and of the engine; verify uses the very same ones.

pub mod config_file;
pub mod engine;
pub mod facts;
pub mod http;
pub mod kernel;
pub mod operator;
pub mod resolver;
pub mod service;
pub mod space;
pub mod unit;

use crate::apply::journal;
use crate::host::Host;
use facts::{ConfigState, Docker, DockerState, Facts, Kernel};
use kernel::links::Links;
use service::Service;
use space::Space;

/// Looks at everything. What cannot be seen is said in `unseen`; it is never an error.
pub fn observe(host: &Host) -> Facts {
    let mut unseen = Vec::new();
    let docker = docker(host, service::read(host), &mut unseen);
    let live = !host.is_image();
    let mut reader = kernel::Reader { unseen: &mut unseen };
    let links = if live { reader.links() } else { Links::new() };
    let nameservers = if live { resolver::read(host, &links, reader.unseen) } else { Vec::new() };
    let session = if live { operator::session(host) } else { None };
    let kernel = if live {
        let space = Space::new(&links, &docker);
        reader.rest(links, &space, &operator::ssh_ports(host, session))
    } else {
        Kernel::default()
    };
    Facts {
        schema: 1,
        root: nix::unistd::geteuid().is_root(),
        interrupted: journal::read(host).is_ok_and(|pending| pending.is_some()),
        kernel,
        nameservers,
        operator: session.map(|session| session.peer),
        docker,
        unseen,
    }
}

fn docker(host: &Host, service: Service, unseen: &mut Vec<String>) -> Docker {
    let config = config_file::read(host, &service.config_path());
    if let ConfigState::Unreadable(why) = &config.state {
        unseen.push(format!("{}: {why}", config.path));
    }
    let engine = match service.state {
        DockerState::Running => engine::read(host)
            .inspect_err(|error| unseen.push(format!("Docker's own view of its networks: {error}")))
            .ok(),
        // Docker's socket may be socket-activated: a question would start what somebody stopped.
        DockerState::Stopped | DockerState::Absent => None,
    };
    Docker {
        state: service.state,
        service: service.manager,
        flags: service.flags,
        rootless: service::rootless_users(host),
        engine,
        config,
    }
}
