//! HTTP over the engine's unix socket: `ureq` with a transport that is a unix stream.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// Ten thousand networks take a tenth of this.
const LARGEST: u64 = 64 << 20;

/// A client of one socket.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
}

impl Client {
    /// A client whose every call ends within the deadline.
    pub fn new(socket: &Path, deadline: Duration) -> Client {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(deadline))
            // Each call a fresh connection: the engine may have been restarted since the last one.
            .max_idle_connections(0)
            .proxy(None)
            // The engine says why it refuses, in the body.
            .http_status_as_error(false)
            .build();
        let connector = UnixConnector {
            socket: socket.to_path_buf(),
        };
        Client {
            agent: ureq::Agent::with_parts(config, connector, NoResolver),
        }
    }

    /// A GET, whatever its status.
    pub fn get(&self, path: &str) -> Result<Answer, ureq::Error> {
        // The host is never looked up; the engine accepts any.
        Answer::of(self.agent.get(format!("http://docker{path}")).call()?)
    }

    /// A POST without a body, whatever its status.
    pub fn post(&self, path: &str) -> Result<Answer, ureq::Error> {
        Answer::of(
            self.agent
                .post(format!("http://docker{path}"))
                .send_empty()?,
        )
    }

    /// A POST of a JSON value, whatever its status.
    pub fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<Answer, ureq::Error> {
        let request = self
            .agent
            .post(format!("http://docker{path}"))
            .header("Content-Type", "application/json");
        Answer::of(request.send(&body.to_string())?)
    }

    /// A DELETE, whatever its status.
    pub fn delete(&self, path: &str) -> Result<Answer, ureq::Error> {
        Answer::of(self.agent.delete(format!("http://docker{path}")).call()?)
    }
}

impl Answer {
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
        let headers = std::mem::take(response.headers_mut());
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_vec()?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether what was ordered is so already.
    pub fn unchanged(&self) -> bool {
        self.status == 304
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    headers: ureq::http::HeaderMap,
    /// The body, not necessarily UTF-8.
    pub body: Vec<u8>,
}

#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(std::net::SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(addresses)
    }
}

#[derive(Debug)]
struct UnixConnector {
    socket: PathBuf,
}

impl<In: Transport> Connector<In> for UnixConnector {
    type Out = UnixTransport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<In>,
    ) -> Result<Option<UnixTransport>, ureq::Error> {
        let stream = UnixStream::connect(&self.socket)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(UnixTransport { stream, buffers }))
    }
}

struct UnixTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for UnixTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnixTransport")
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream
            .set_write_timeout(timeout.not_zero().map(|t| *t))?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream
            .write_all(output)
            .map_err(|error| in_time(error, &timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream
            .set_read_timeout(timeout.not_zero().map(|t| *t))?;
        let read = self
            .stream
            .read(self.buffers.input_append_buf())
            .map_err(|error| in_time(error, &timeout))?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        // Connections are not kept.
        false
    }
}

/// A socket's "would block" is our deadline.
fn in_time(error: std::io::Error, timeout: &NextTimeout) -> ureq::Error {
    match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            ureq::Error::Timeout(timeout.reason)
        }
        _ => ureq::Error::Io(error),
    }
}
