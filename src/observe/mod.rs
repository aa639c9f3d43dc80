//! First stage: reads the host into [`facts::Facts`] and decides nothing. The only readers of the kernel, of files
//! and of the engine; verify uses the very same ones.

pub mod config_file;
pub mod engine;
pub mod facts;
pub mod http;
pub mod kernel;
pub mod resolver;
pub mod service;

use crate::host::Host;
use facts::{Docker, DockerState, Facts, Kernel};

/// Looks at everything. What cannot be seen is said in `unseen`; it is never an error.
pub fn observe(host: &Host) -> Facts {
    let mut unseen = Vec::new();
    let kernel = if host.is_image() {
        Kernel::default()
    } else {
        kernel::read().unwrap_or_else(|error| {
            unseen.push(format!("the kernel's links and routes: {error}"));
            Kernel::default()
        })
    };
    let nameservers = if host.is_image() { Vec::new() } else { resolver::read(host, &mut unseen) };
    let service = service::read(host);
    let config = config_file::read(host, &service.config_path());
    if let facts::ConfigState::Unreadable(why) = &config.state {
        unseen.push(format!("{}: {why}", config.path));
    }
    let engine = match service.state {
        DockerState::Running => engine::read(host)
            .inspect_err(|error| unseen.push(format!("Docker's own view of its networks: {error}")))
            .ok(),
        // Docker's socket may be socket-activated: a question would start what somebody stopped.
        DockerState::Stopped | DockerState::Absent => None,
    };
    Facts {
        schema: 1,
        root: nix::unistd::geteuid().is_root(),
        kernel,
        nameservers,
        docker: Docker { state: service.state, service: service.manager, arguments: service.arguments, engine, config },
        unseen,
    }
}
