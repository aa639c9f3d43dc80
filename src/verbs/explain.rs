//! `rebridge explain`: why Docker is where it is.

use super::facts_of;
use super::options::policy_of;
use super::request::ExplainRequest;
use crate::assess::Assessment;
use crate::policy::option::BadValue;
use crate::report::error::Error;
use crate::report::explanation::{Explanation, explain};

pub fn run(request: &ExplainRequest) -> Result<Explanation, Error> {
    let policy = policy_of(&request.look)?;
    let facts = facts_of(&request.look)?;
    let assessment = Assessment::of(&facts, &policy);
    Ok(explain(&assessment, request.about.as_deref()).map_err(BadValue::plain)?)
}
