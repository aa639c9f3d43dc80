//! HTTP to the engine: `ureq` with a transport that is a unix or a TCP stream.

use super::endpoint::Endpoint;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

/// Ten thousand networks take a tenth of this.
const LARGEST: u64 = 64 << 20;

/// How long a connection may take where the call has no limit.
const CONNECT: Duration = Duration::from_secs(20);

/// A client of one endpoint.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
}

impl Client {
    /// A client whose every call ends within the deadline.
    pub fn new(endpoint: &Endpoint, deadline: Duration) -> Client {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(deadline))
            // Each call a fresh connection: the engine may have been restarted since the last one.
            .max_idle_connections(0)
            .proxy(None)
            // The engine says why it refuses, in the body.
            .http_status_as_error(false)
            .build();
        let connector = StreamConnector {
            endpoint: endpoint.clone(),
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
struct StreamConnector {
    endpoint: Endpoint,
}

impl<In: Transport> Connector<In> for StreamConnector {
    type Out = StreamTransport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<In>,
    ) -> Result<Option<StreamTransport>, ureq::Error> {
        let stream = match &self.endpoint {
            Endpoint::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            Endpoint::Tcp(address) => {
                let limit = details.timeout.not_zero().map(|limit| *limit);
                let limit = limit.unwrap_or(CONNECT);
                Stream::Tcp(TcpStream::connect_timeout(address, limit)?)
            }
        };
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(StreamTransport { stream, buffers }))
    }
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_write_timeout(limit),
            Stream::Tcp(stream) => stream.set_write_timeout(limit),
        }
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_read_timeout(limit),
            Stream::Tcp(stream) => stream.set_read_timeout(limit),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.write_all(bytes),
            Stream::Tcp(stream) => stream.write_all(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }
}

struct StreamTransport {
    stream: Stream,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for StreamTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StreamTransport")
    }
}

impl Transport for StreamTransport {
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
