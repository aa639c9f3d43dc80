//! The options an operator can give, as things with two names: one on the command line, one in a
//! play. Whatever speaks of an option speaks of one of these, and is spelled out at the very end.

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opt {
    AcceptMacLoss,
    AllowContainerStop,
    Avoid,
    AvoidFile,
    Check,
    DeadMan,
    Engine,
    Facts,
    Ignore,
    Json,
    Metrics,
    Network,
    Networks,
    NoRestart,
    Pin,
    Pool,
    Probe,
    RestartCommand,
    Result,
    Root,
    Svg,
    Timeout,
    Verbose,
    Wait,
    Yes,
}

/// A value that cannot be what the operator meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// The option; none where a whole set of options is at fault.
    pub option: Option<Opt>,
    /// What about its value, and what to write instead.
    pub why: String,
}

impl BadValue {
    pub fn of(option: Opt, why: impl Into<String>) -> BadValue {
        BadValue {
            option: Some(option),
            why: why.into(),
        }
    }

    /// For words that name the options themselves.
    pub fn plain(why: impl Into<String>) -> BadValue {
        BadValue {
            option: None,
            why: why.into(),
        }
    }
}

/// A value that some reader refused in words of its own.
impl From<String> for BadValue {
    fn from(why: String) -> BadValue {
        BadValue::plain(why)
    }
}
