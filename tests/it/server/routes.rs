//! Answers written down in `routes.toml`.

use super::{Body, Fault, Reply, Request};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What stands in fixtures for the server's own address.
const SELF: &str = "http://server.test";

/// The file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    route: Vec<Route>,
}

/// A request that is expected, and the answer to it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    #[serde(default = "get")]
    method: String,
    path: String,
    /// Parameters that must be there with this text.
    #[serde(default)]
    query: BTreeMap<String, OneOrMore>,
    /// Parameters that must be there and hold this text.
    #[serde(default)]
    query_has: BTreeMap<String, OneOrMore>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body_has: Vec<String>,
    /// Members of a JSON body, by dotted path.
    #[serde(default)]
    json: BTreeMap<String, serde_json::Value>,
    #[serde(default = "fine")]
    status: u16,
    #[serde(default)]
    response_headers: BTreeMap<String, String>,
    body: Option<PathBuf>,
    text: Option<String>,
    times: Option<usize>,
    /// What another way of trying the fixtures needs to know.
    #[serde(default)]
    #[serde(rename = "stream")]
    _stream: Option<toml::Value>,
    #[serde(default)]
    #[serde(rename = "given")]
    _given: Option<toml::Value>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn texts(&self) -> &[String] {
        match self {
            OneOrMore::One(text) => std::slice::from_ref(text),
            OneOrMore::More(texts) => texts,
        }
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn fine() -> u16 {
    200
}

/// The routes of a folder, and what nobody had an answer to.
pub struct Routes {
    folder: PathBuf,
    routes: Vec<Route>,
    used: Mutex<Vec<usize>>,
    /// Requests that no route fits.
    pub lost: Mutex<Vec<String>>,
}

impl Routes {
    /// Reads `routes.toml` of a folder.
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("routes.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let used = Mutex::new(vec![0; file.route.len()]);
        Routes { folder: folder.to_owned(), routes: file.route, used, lost: Mutex::new(Vec::new()) }
    }

    /// The answer of the first route that fits and is not used up.
    pub fn answer(&self, request: &Request, address: &str) -> Reply {
        let mut used = self.used.lock().unwrap();
        let open =
            |(at, route): &(usize, &Route)| route.times.is_none_or(|times| used[*at] < times) && fits(route, request);
        let Some((at, route)) = self.routes.iter().enumerate().find(open) else {
            self.lost.lock().unwrap().push(shown(request));
            return Reply::of(404, "text/plain", format!("no route fits {}", shown(request)).into_bytes());
        };
        used[at] += 1;
        self.reply(route, address)
    }

    fn reply(&self, route: &Route, address: &str) -> Reply {
        let body = match (&route.body, &route.text) {
            (Some(file), _) => {
                let path = self.folder.join(file);
                std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            }
            (None, Some(text)) => text.clone().into_bytes(),
            (None, None) => Vec::new(),
        };
        let body = match String::from_utf8(body) {
            Ok(text) => text.replace(SELF, address).into_bytes(),
            Err(binary) => binary.into_bytes(),
        };
        let mut headers: Vec<(String, String)> =
            route.response_headers.iter().map(|(name, value)| (name.clone(), value.replace(SELF, address))).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Reply { status: route.status, headers, body: Body::Bytes(body), fault: Fault::None }
    }
}

fn fits(route: &Route, request: &Request) -> bool {
    let of_name = |name: &str| {
        request.query.iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let exact = |(name, texts): (&String, &OneOrMore)| texts.texts().iter().all(|text| of_name(name).contains(&text));
    let part = |(name, texts): (&String, &OneOrMore)| {
        texts.texts().iter().all(|text| of_name(name).iter().any(|value| value.contains(text.as_str())))
    };
    let body = String::from_utf8_lossy(&request.body);
    let json: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let member = |(path, wanted): (&String, &serde_json::Value)| at(&json, path).is_some_and(|found| found == wanted);
    route.method.eq_ignore_ascii_case(&request.method)
        && route.path == request.path
        && route.query.iter().all(exact)
        && route.query_has.iter().all(part)
        && route.headers.iter().all(|(name, value)| request.headers.get(&name.to_lowercase()) == Some(value))
        && route.body_has.iter().all(|text| body.contains(text))
        && route.json.iter().all(member)
}

/// The member at a dotted path; numbers are places in arrays.
fn at<'a>(json: &'a serde_json::Value, path: &str) -> Option<&'a serde_json::Value> {
    path.split('.').try_fold(json, |value, step| match value {
        serde_json::Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

/// A request in one line.
pub fn shown(request: &Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {}?{} {body}", request.method, request.path, query.join("&"))
}
