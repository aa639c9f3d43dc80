//! The options that have two names, one on the command line and one in a play. Sentences speak of an
//! option by its [`Opt`]; the report spells it out for its reader.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opt {
    Accept,
    Avoid,
    AvoidFile,
    DeadMan,
    Ignore,
    Network,
    NoRestart,
    Pool,
    Probe,
    RestartCommand,
    Root,
    Wait,
}

/// A value that cannot be what the operator meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// None where several options are at fault together, or one that has only one name.
    pub option: Option<Opt>,
    /// The value, where `why` does not quote it.
    pub value: Option<String>,
    /// What is wrong, and what to write instead.
    pub why: String,
}

impl BadValue {
    pub fn of(option: Opt, why: impl Into<String>) -> BadValue {
        BadValue {
            option: Some(option),
            value: None,
            why: why.into(),
        }
    }

    pub fn at(option: Opt, value: impl ToString, why: impl ToString) -> BadValue {
        BadValue {
            option: Some(option),
            value: Some(value.to_string()),
            why: why.to_string(),
        }
    }

    /// For words that name the options themselves.
    pub fn plain(why: impl Into<String>) -> BadValue {
        BadValue {
            option: None,
            value: None,
            why: why.into(),
        }
    }
}
