//! rebridge moves Docker's bridges off the networks a host needs to reach.
//!
//! The folders are the stages: [`observe`] → [`assess`] → [`plan`] → [`apply`] → [`report`]. Pure
//! code decides (assess, plan, the [`engine_model`] and the [`kernel_model`]), thin code acts
//! (apply), and every change of the host goes through one [`host::Host`]. The library exists so that
//! the tests can call the stages; the promise to users is the command line and its JSON.

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod apply;
pub mod assess;
pub mod cli;
pub mod docker;
pub mod engine_model;
pub mod facts;
pub mod fleet;
pub mod host;
pub mod kernel_model;
pub mod module;
pub mod observe;
pub mod phrases;
pub mod plan;
pub mod policy;
pub mod report;
pub mod subnet;
pub mod terminal;
pub mod verbs;
