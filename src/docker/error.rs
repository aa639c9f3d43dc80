//! Why the engine did not do as it was asked.

use super::endpoint::Endpoint;
use std::fmt;
use std::io;

/// As much of the engine's own words as fits into a sentence.
const LONGEST: usize = 200;

/// Why a question or an order came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it was asked.
    pub at: Box<str>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nobody listens, or the connection broke: the engine is down, or goes down.
    Down(String),
    /// It takes connections and does not answer in time.
    Silent,
    /// This user may not open its socket.
    Forbidden,
    /// It wants a certificate.
    TlsOnly,
    /// Podman answers there.
    Podman,
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
        matches!(self.kind, Kind::Refused { .. } | Kind::NotUnderstood { .. })
    }

    /// Whether nobody is there to be asked.
    pub(super) fn is_down(&self) -> bool {
        matches!(self.kind, Kind::Down(_))
    }
}

impl Kind {
    pub fn at(self, endpoint: &Endpoint) -> Error {
        Error {
            at: endpoint.to_string().into(),
            kind: self,
        }
    }

    /// What became of a request that got no whole answer.
    pub(super) fn of_request(path: &str, error: &ureq::Error) -> Kind {
        match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Kind::Forbidden
            }
            ureq::Error::Timeout(_) => Kind::Silent,
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => Kind::Down(error.to_string()),
            other => Kind::NotUnderstood {
                question: path.to_owned(),
                why: other.to_string(),
            },
        }
    }

    /// What the body of a refusal says.
    pub(super) fn refused(question: Option<&str>, status: u16, body: &[u8]) -> Kind {
        let text = String::from_utf8_lossy(body);
        let message = serde_json::from_str::<serde_json::Value>(&text).ok();
        let message = message
            .as_ref()
            .and_then(|value| value.get("message")?.as_str())
            .unwrap_or(&text);
        let line = message.lines().next().unwrap_or_default();
        Kind::Refused {
            question: question.map(str::to_owned),
            status,
            words: line.chars().take(LONGEST).collect(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match &self.kind {
            Kind::Down(why) => write!(f, "{at}: {why}"),
            Kind::Silent => write!(f, "{at}: no answer in time"),
            Kind::Forbidden => write!(
                f,
                "{at}: permission denied (be root, or in the group docker)"
            ),
            Kind::TlsOnly => write!(
                f,
                "{at}: Docker listens there alone and wants a certificate (TLS), which rebridge \
                 does not have"
            ),
            Kind::Podman => write!(f, "{at}: this is Podman"),
            Kind::Refused {
                question: Some(path),
                words,
                ..
            } => write!(f, "{at}: the engine refused {path}: {words}"),
            Kind::Refused { words, .. } => f.write_str(words),
            Kind::NotUnderstood { question, why } => {
                write!(
                    f,
                    "{at}: the answer to {question} was not understood: {why}"
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
