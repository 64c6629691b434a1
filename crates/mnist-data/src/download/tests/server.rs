//! A server that answers each connection with the next reply of its script, and repeats the last one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What one request gets.
#[derive(Clone)]
pub enum Reply {
    /// The data, or the part asked for.
    Data(Vec<u8>),
    /// The data from the start, whatever was asked for.
    Whole(Vec<u8>),
    /// A promise of the whole data, its first bytes, and the end of the connection.
    Cut(Vec<u8>, usize),
    /// A promise of the whole data, its first bytes, and nothing more.
    Stall(Vec<u8>, usize),
    /// An error.
    Status(u16),
    /// An open connection without a word.
    Silence,
}

type Log = Arc<Mutex<Vec<Option<usize>>>>;

pub struct Server {
    url: String,
    requests: Log,
}

impl Server {
    /// Replies in the order of the connections. The thread ends with the test's process.
    pub fn new(replies: Vec<Reply>) -> Self {
        Self::start(move |count, _| replies[count.min(replies.len() - 1)].clone())
    }

    /// The files by their names.
    pub fn serving(files: &[(String, Vec<u8>)]) -> Self {
        let files = files.to_vec();
        Self::start(move |_, path| {
            let file = files.iter().find(|(name, _)| path.ends_with(name.as_str()));
            file.map_or(Reply::Status(404), |(_, bytes)| Reply::Data(bytes.clone()))
        })
    }

    fn start(reply: impl Fn(usize, &str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Log::default();
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that hangs up in the middle is part of some tests.
                let _ = answer(stream, &reply, &log);
            }
        });
        Self { url, requests }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Where each request asked to start: `None` without a range.
    pub fn requests(&self) -> Vec<Option<usize>> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, reply: &impl Fn(usize, &str) -> Reply, log: &Log) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (path, start) = request(&stream)?;
    let count = {
        let mut log = log.lock().unwrap();
        log.push(start);
        log.len() - 1
    };
    let mut out = &stream;
    match (reply(count, &path), start) {
        (Reply::Data(bytes), Some(start)) => {
            write!(
                out,
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            )?;
            body(out, bytes.len() - start, &bytes[start..])
        }
        (Reply::Data(bytes), None) | (Reply::Whole(bytes), _) => ok(out, bytes.len(), &bytes),
        (Reply::Cut(bytes, sent), _) => ok(out, bytes.len(), &bytes[..sent]),
        (Reply::Stall(bytes, sent), _) => {
            ok(out, bytes.len(), &bytes[..sent])?;
            wait_for_hang_up(&stream)
        }
        (Reply::Status(status), _) => {
            write!(out, "HTTP/1.1 {status} Not what you want\r\n")?;
            body(out, 0, &[])
        }
        (Reply::Silence, _) => wait_for_hang_up(&stream),
    }
}

/// The path and the first byte asked for.
fn request(stream: &TcpStream) -> std::io::Result<(String, Option<usize>)> {
    let (mut path, mut start) = (String::new(), None);
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        } else if let Some(rest) = line.strip_prefix("get ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        } else if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().ok();
        }
    }
    Ok((path, start))
}

fn ok(mut out: &TcpStream, length: usize, bytes: &[u8]) -> std::io::Result<()> {
    write!(out, "HTTP/1.1 200 OK\r\n")?;
    body(out, length, bytes)
}

fn body(mut out: &TcpStream, length: usize, bytes: &[u8]) -> std::io::Result<()> {
    write!(out, "Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    out.write_all(bytes)?;
    out.flush()
}

/// Until the client gives up; the read timeout bounds the wait.
fn wait_for_hang_up(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.read(&mut [0]).map(|_| ())
}
