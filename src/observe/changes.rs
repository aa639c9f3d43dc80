//! Says when the host's network, or Docker's, may have changed. Nothing is read out of what changed:
//! the readers of this stage look at everything again.

mod docker;
mod kernel;

use super::relevant::RelevantSpace;
use crate::facts::Facts;
use crate::host::Host;
use docker::DockerChanges;
use kernel::KernelChanges;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

/// A subscription.
pub struct Changes {
    host: Host,
    kernel: KernelChanges,
    docker: DockerChanges,
    /// Routes elsewhere are no change: a router's table changes all day.
    space: RelevantSpace,
}

impl Changes {
    pub fn subscribe(host: &Host, now: Instant) -> io::Result<Changes> {
        Ok(Changes {
            host: host.clone(),
            kernel: KernelChanges::subscribe()?,
            docker: DockerChanges::subscribe(host, now)?,
            space: RelevantSpace::default(),
        })
    }

    /// What the kernel announces.
    pub fn of_kernel(&self) -> BorrowedFd<'_> {
        self.kernel.descriptor()
    }

    /// What Docker announces, and its coming and going.
    pub fn of_docker(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.docker.descriptors()
    }

    /// How many changes the kernel has announced.
    pub fn take_kernel(&mut self) -> usize {
        self.kernel.take(&self.space)
    }

    /// Whether Docker has. To be called when [`Changes::next_try`] has come, too.
    pub fn take_docker(&mut self, now: Instant) -> bool {
        self.docker.take(&self.host, now)
    }

    /// When to try again what could not be done yet; Docker announces nothing until then.
    pub fn next_try(&self) -> Option<Instant> {
        self.docker.next_try()
    }

    /// While Docker comes or goes a look would see half of it, and a question could start what the
    /// operator stops.
    pub fn no_look_before(&self) -> Option<Instant> {
        self.docker.no_look_before()
    }

    /// The kernel's announcements up to now are of no interest: a look is to come.
    pub fn forget_kernel(&mut self) {
        self.kernel.take(&self.space);
    }

    /// What a look has found decides what counts as a change from now on.
    pub fn has_seen(&mut self, facts: &Facts) {
        self.space = RelevantSpace::of_facts(facts);
    }
}
