//! The one place where reasons become sentences, in one of two vocabularies.

pub mod afterwards;
pub mod blockers;
pub mod causes;
pub mod findings;
pub mod networks;
pub mod notices;
pub mod outcome;
pub mod refusals;
pub mod relief;
pub mod swarm;
pub mod undo;
