//! Why the engine did not do as it was asked.

use super::SOCKET;
use std::fmt;
use std::io;

/// As much of the engine's own words as fits into a sentence.
const LONGEST: usize = 200;

/// Why a question or an order came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Nobody listens, or the connection broke: the engine is down, or goes down.
    Down(String),
    /// It takes connections and does not answer in time.
    Silent,
    /// This user may not open its socket.
    Forbidden,
    /// It answers, and refuses.
    Refused {
        /// The question; none for an order, which its giver names.
        question: Option<String>,
        /// The HTTP status.
        status: u16,
        /// Its own words.
        words: String,
    },
    /// It answers something else than was asked.
    NotUnderstood {
        /// The question.
        question: String,
        /// Why its answer makes no sense.
        why: String,
    },
}

impl Error {
    /// Whether the engine answered at all.
    pub fn answered(&self) -> bool {
        matches!(self, Error::Refused { .. } | Error::NotUnderstood { .. })
    }

    /// What became of a request that got no whole answer.
    pub(super) fn of_request(path: &str, error: &ureq::Error) -> Error {
        match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Error::Forbidden
            }
            ureq::Error::Timeout(_) => Error::Silent,
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => Error::Down(error.to_string()),
            other => Error::NotUnderstood {
                question: path.to_owned(),
                why: other.to_string(),
            },
        }
    }

    /// What the body of a refusal says.
    pub(super) fn refused(question: Option<&str>, status: u16, body: &[u8]) -> Error {
        let text = String::from_utf8_lossy(body);
        let message = serde_json::from_str::<serde_json::Value>(&text).ok();
        let message = message
            .as_ref()
            .and_then(|value| value.get("message")?.as_str())
            .unwrap_or(&text);
        let line = message.lines().next().unwrap_or_default();
        Error::Refused {
            question: question.map(str::to_owned),
            status,
            words: line.chars().take(LONGEST).collect(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Down(why) => write!(f, "{SOCKET}: {why}"),
            Error::Silent => write!(f, "{SOCKET}: no answer in time"),
            Error::Forbidden => write!(
                f,
                "{SOCKET}: permission denied (be root, or in the group docker)"
            ),
            Error::Refused {
                question: Some(path),
                words,
                ..
            } => write!(f, "{SOCKET}: the engine refused {path}: {words}"),
            Error::Refused { words, .. } => f.write_str(words),
            Error::NotUnderstood { question, why } => {
                write!(
                    f,
                    "{SOCKET}: the answer to {question} was not understood: {why}"
                )
            }
        }
    }
}

/// For callers that only pass it on in words.
impl From<Error> for String {
    fn from(error: Error) -> String {
        error.to_string()
    }
}
