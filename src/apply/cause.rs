//! Why a change did not come about, and why it could not be undone. Data, so that two reasons can be
//! compared; the sentences are made later.

use super::check::Check;
use crate::docker;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It cannot be asked.
    EngineSilent(docker::Error),
    DockerNotStarted {
        /// Its own words, or those of the program that should have started it.
        says: String,
    },
    /// What should have restarted it ended well, and the dockerd of before still runs.
    DockerNotRestarted,
    /// It was started and does not answer.
    DockerNotAnswering(docker::Error),
    ContainerNotStopped {
        container: String,
        why: docker::Error,
    },
    ContainerNotStarted {
        container: String,
        why: docker::Error,
    },
    ContainerNotConnected {
        container: String,
        network: String,
        why: docker::Error,
    },
    ContainerNotDisconnected {
        container: String,
        network: String,
        why: docker::Error,
    },
    NetworkNotRemoved {
        network: String,
        why: docker::Error,
    },
    NetworkNotCreated {
        network: String,
        why: docker::Error,
    },
    FileNotWritten {
        path: String,
        why: String,
    },
    FileNotPutBack {
        path: String,
        why: String,
    },
    FileNotEdited {
        path: String,
        why: String,
    },
    /// Docker restarted, and this is not as planned.
    WrongAfterRestart(Check),
    /// The networks were moved, and this is not as planned.
    WrongAfterMoves(Check),
}

/// Why the state of before is not back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRestored {
    /// The first thing found that is not as it was.
    pub wrong: Check,
    /// What failed on the way, in order, each once.
    pub causes: Vec<Cause>,
}
