//! A request as it stands on the wire, because every well-behaved client repairs what an attacker sends.

/// A request line and headers; `Host`, `Connection: close`, the body's length and the empty line are added. A character is
/// one byte: those of Latin-1 stand for bytes that are no ASCII.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// The request target, as it stands in the request line.
    pub target: String,
    /// Header lines in their order, each `Name: value`.
    pub headers: Vec<String>,
    /// Another host than the gate's own.
    pub host: Option<String>,
    /// The body.
    pub body: String,
}

impl Request {
    /// A request without headers.
    pub fn new(method: &str, target: &str) -> Request {
        Request { method: method.into(), target: target.into(), headers: Vec::new(), host: None, body: String::new() }
    }

    /// One more header line.
    #[must_use]
    pub fn header(mut self, line: impl Into<String>) -> Request {
        self.headers.push(line.into());
        self
    }

    /// Several header lines.
    #[must_use]
    pub fn headers<Line: Into<String>>(mut self, lines: impl IntoIterator<Item = Line>) -> Request {
        self.headers.extend(lines.into_iter().map(Into::into));
        self
    }

    /// A bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Request {
        self.header(format!("Authorization: Bearer {token}"))
    }

    /// Another host.
    #[must_use]
    pub fn host(mut self, host: &str) -> Request {
        self.host = Some(host.into());
        self
    }

    /// Every header, in the order in which they are sent but for `Host`.
    pub fn all_headers(&self) -> Vec<String> {
        let mut lines = vec!["Connection: close".to_owned()];
        lines.extend(self.headers.iter().cloned());
        if !self.body.is_empty() {
            lines.push(format!("Content-Length: {}", self.body.len()));
        }
        lines
    }

    /// The bytes over HTTP/1.1; `authority` is the host unless the request names another.
    pub fn to_bytes(&self, authority: &str) -> Vec<u8> {
        let host = self.host.as_deref().unwrap_or(authority);
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target);
        for line in self.all_headers() {
            text.push_str(&line);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        latin1(&text)
    }
}

/// One byte for each character.
pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}
