//! A real HTTP/1.1 server on 127.0.0.1 that answers what it is told to, and misbehaves on cue.

pub mod paged;
pub mod routes;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// GET, POST and so on.
    pub method: String,
    /// The path, decoded.
    pub path: String,
    /// The query's pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Header values by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Writes a body piece by piece, so that it need not be held.
pub type Writer = Box<dyn FnOnce(&mut dyn Write) -> std::io::Result<()> + Send>;

/// What an answer holds.
pub enum Body {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes, written as they are made.
    Made(u64, Writer),
}

/// What goes wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection ends after so many bytes of the body, whatever its length said.
    CutAfter(usize),
    /// A byte, a pause, a byte.
    Dribble(Duration),
    /// The same in chunks of unknown number, cut before the last one.
    CutChunks(usize),
    /// The connection ends before anything is said.
    Silence,
}

/// An answer.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers beside the length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// What goes wrong.
    pub fault: Fault,
}

impl Reply {
    /// JSON with status 200.
    pub fn json(text: impl Into<String>) -> Self {
        Reply::of(200, "application/json", text.into().into_bytes())
    }

    /// A body of a type.
    pub fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Reply { status, headers, body: Body::Bytes(body), fault: Fault::None }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body, if it is at hand.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        match &mut self.body {
            Body::Bytes(bytes) => bytes,
            Body::Made(..) => panic!("this body is made as it is sent"),
        }
    }
}

/// What answers.
pub type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server that listens until it is dropped.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to listen on a port that is free.
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let handler: Arc<Handler> = Arc::new(handler);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (all_seen, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let accepting = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let (handler, seen) = (Arc::clone(&handler), Arc::clone(&all_seen));
                // A client that goes away in the middle is what some tests are about.
                std::thread::spawn(move || drop(serve(&connection, handler.as_ref(), &seen)));
            }
        });
        Server { address, seen, stop, listener: Some(accepting) }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

fn serve(connection: &TcpStream, handler: &Handler, seen: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    while let Some(request) = read_request(&mut reader)? {
        seen.lock().unwrap().push(request.clone());
        let wants_close = request.headers.get("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let reply = handler(&request);
        let broken = reply.fault != Fault::None;
        write_reply(&mut &*connection, reply)?;
        if broken || wants_close {
            break;
        }
    }
    connection.shutdown(Shutdown::Both)
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let body = if headers.get("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        read_chunks(reader)?
    } else {
        let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        body
    };
    let (path, query) = target.split_once('?').unwrap_or((target.as_str(), ""));
    Ok(Some(Request { method, path: decoded(path, false), query: pairs(query), headers, body }))
}

fn read_chunks(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk)?;
        body.extend_from_slice(&chunk[..length]);
        if length == 0 {
            return Ok(body);
        }
    }
}

fn write_reply(connection: &mut impl Write, reply: Reply) -> std::io::Result<()> {
    if reply.fault == Fault::Silence {
        return Ok(());
    }
    let length = match &reply.body {
        Body::Bytes(bytes) => bytes.len() as u64,
        Body::Made(length, _) => *length,
    };
    let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
    let mut head = format!("HTTP/1.1 {} Said\r\nDate: {date}\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match reply.fault {
        Fault::CutChunks(_) => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        _ => head.push_str(&format!("Content-Length: {length}\r\n\r\n")),
    }
    connection.write_all(head.as_bytes())?;
    let bytes = match reply.body {
        Body::Bytes(bytes) => bytes,
        Body::Made(_, write) => {
            let mut buffered = std::io::BufWriter::with_capacity(1 << 16, connection);
            write(&mut buffered)?;
            return buffered.flush();
        }
    };
    match reply.fault {
        Fault::None | Fault::Silence => connection.write_all(&bytes)?,
        Fault::CutAfter(count) => connection.write_all(&bytes[..count.min(bytes.len())])?,
        Fault::CutChunks(count) => {
            for piece in bytes[..count.min(bytes.len())].chunks(1000) {
                connection.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                connection.write_all(piece)?;
                connection.write_all(b"\r\n")?;
            }
        }
        Fault::Dribble(pause) => {
            for byte in bytes {
                connection.write_all(&[byte])?;
                connection.flush()?;
                std::thread::sleep(pause);
            }
        }
    }
    connection.flush()
}

/// `a=1&b=x+y` taken apart and decoded.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name, true), decoded(value, true))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decoded(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match (*first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) if plus_is_space => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, _) => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Gzip of these bytes.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn addresses_are_decoded() {
    assert_eq!(decoded("/a%20b+c", false), "/a b+c");
    assert_eq!(pairs("a%5B%5D=1&b=x+y&c"), [("a[]", "1"), ("b", "x y"), ("c", "")].map(|(n, v)| (n.into(), v.into())));
}
