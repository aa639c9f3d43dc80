//! `rebridge forecast`: the subnets that Docker will take next.

use super::facts_of;
use super::options::policy_of;
use super::request::ForecastRequest;
use crate::assess::Assessment;
use crate::assess::forecast::{Forecast, forecast};
use crate::facts::Version;
use crate::policy::option::BadValue;
use crate::report::error::Error;

pub fn run(request: &ForecastRequest) -> Result<Forecast, Error> {
    let engine = request.engine.as_deref();
    if let Some(version) = engine.filter(|version| Version::parse(version).is_none()) {
        let why = format!(
            "--engine {version}: not a version; write it as `docker version` does, for example \
             26.1.5"
        );
        return Err(BadValue::plain(why).into());
    }
    let policy = policy_of(&request.look)?;
    let facts = facts_of(&request.look)?;
    let assessment = Assessment::of(&facts, &policy);
    Ok(forecast(&assessment, request.count, engine))
}
