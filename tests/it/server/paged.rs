//! A list of rows behind pages, with a fault for every bad day.

use super::{Body, Fault, Reply, Request, gzip};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A row: what the server sends, and what must be found landed.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its key.
    pub id: String,
    /// Seconds since 1970 of its last change.
    pub updated: i64,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// The rest of its JSON object, members only, as it goes over the wire: numbers keep every digit.
    pub members: String,
    /// What the table must show for it.
    pub landed: Value,
}

impl Row {
    fn text(&self) -> String {
        let Row { id, updated, is_deleted, members, .. } = self;
        format!("{{\"id\":\"{id}\",\"updated\":{updated},\"deleted\":{is_deleted},{members}}}")
    }
}

/// What goes wrong with a page.
#[derive(Debug, Clone)]
pub enum Bad {
    /// Another status, with headers and a body.
    Status(u16, Vec<(String, String)>, &'static str),
    /// The connection ends in mid-body.
    Cut,
    /// The same without a stated length.
    CutChunks,
    /// The connection ends before an answer.
    Silence,
    /// Half the body behind the right length of that half.
    Half,
    /// Says gzip and is not.
    LyingGzip,
    /// Gzip that ends in the middle.
    HalfGzip,
    /// A comma too many in the middle.
    Broken,
    /// A page for people, with status 200.
    Html,
    /// The next page is this one.
    Repeats,
    /// The next page is one read before.
    Backwards,
    /// The last row of the page before comes again.
    Overlap,
    /// A byte, a pause, a byte.
    Dribble(Duration),
    /// A number becomes an object.
    OtherType,
}

/// When, how often, what.
#[derive(Debug, Clone)]
struct Planned {
    page: u64,
    left: usize,
    bad: Bad,
}

type Change = Box<dyn FnOnce(&mut Vec<Row>) + Send>;

/// What the server knows and has in store.
#[derive(Default)]
struct State {
    rows: Vec<Row>,
    page_size: usize,
    planned: Vec<Planned>,
    changes: Vec<(u64, Change)>,
    token: Option<String>,
    tokens_given: usize,
}

/// A list behind pages: `GET /v1/rows?after=…&updated_after=…`, oldest change first. Clones share one state.
#[derive(Clone, Default)]
pub struct Api {
    state: Arc<Mutex<State>>,
}

impl Api {
    /// These rows, so many a page.
    pub fn new(rows: Vec<Row>, page_size: usize) -> Self {
        let api = Api::default();
        *api.state.lock().unwrap() = State { rows, page_size, ..State::default() };
        api
    }

    /// From now on, page `page` goes wrong `times` times.
    pub fn bad(&self, page: u64, times: usize, bad: Bad) -> &Self {
        self.state.lock().unwrap().planned.push(Planned { page, left: times, bad });
        self
    }

    /// Everything goes well from now on.
    pub fn heal(&self) {
        self.state.lock().unwrap().planned.clear();
    }

    /// Something changes just before page `page` is given the first time.
    pub fn change_at(&self, page: u64, change: impl FnOnce(&mut Vec<Row>) + Send + 'static) -> &Self {
        self.state.lock().unwrap().changes.push((page, Box::new(change)));
        self
    }

    /// Something changes now.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Row>)) {
        change(&mut self.state.lock().unwrap().rows);
    }

    /// Only this bearer token is let in.
    pub fn only(&self, token: &str) {
        self.state.lock().unwrap().token = Some(token.to_owned());
    }

    /// What must be found landed, by id.
    pub fn landed(&self) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        let mut rows: Vec<&Row> = state.rows.iter().filter(|row| !row.is_deleted).collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows.iter().map(|row| row.landed.clone()).collect()
    }

    /// Answers a request.
    pub fn answer(&self, request: &Request) -> Reply {
        let mut state = self.state.lock().unwrap();
        match request.path.as_str() {
            "/oauth/token" => state.new_token(),
            "/v1/rows" => {
                let token = state.token.as_ref().map(|token| format!("Bearer {token}"));
                if token.is_some() && request.headers.get("authorization") != token.as_ref() {
                    return Reply::of(401, "application/json", b"{\"error\":\"token expired\"}".to_vec());
                }
                state.page(request)
            }
            _ => Reply::of(404, "application/json", b"{\"error\":\"no such list\"}".to_vec()),
        }
    }
}

/// A page's place: its number and the last (updated, id) before it.
struct Place {
    number: u64,
    after: Option<(i64, String)>,
}

impl Place {
    fn of(request: &Request) -> Self {
        let Some(token) = request.param("after") else { return Place { number: 1, after: None } };
        let mut parts = token.splitn(3, '~');
        let mut next = || parts.next().unwrap_or_default();
        let (number, updated) = (next().parse().unwrap(), next().parse().unwrap());
        Place { number, after: Some((updated, next().to_owned())) }
    }
}

fn token(number: u64, row: &Row) -> String {
    format!("{number}~{}~{}", row.updated, row.id)
}

impl State {
    fn new_token(&mut self) -> Reply {
        self.tokens_given += 1;
        let token = format!("token-{}", self.tokens_given);
        self.token = Some(token.clone());
        Reply::json(json!({ "access_token": token, "expires_in": 3600 }).to_string())
    }

    fn page(&mut self, request: &Request) -> Reply {
        let place = Place::of(request);
        while let Some(at) = self.changes.iter().position(|(page, _)| *page == place.number) {
            (self.changes.remove(at).1)(&mut self.rows);
        }
        self.rows.sort_by(|a, b| (a.updated, &a.id).cmp(&(b.updated, &b.id)));
        let since: i64 = request.param("updated_after").and_then(|text| text.parse().ok()).unwrap_or(i64::MIN);
        let open: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.updated >= since)
            .filter(|row| place.after.as_ref().is_none_or(|after| (row.updated, &row.id) > (after.0, &after.1)))
            .collect();
        let mut shown: Vec<String> = open.iter().take(self.page_size).map(|row| row.text()).collect();
        let last = open.get(self.page_size.saturating_sub(1)).filter(|_| open.len() > self.page_size);
        let mut next = last.map(|row| token(place.number + 1, row));
        let planned = self.planned.iter_mut().find(|planned| planned.page == place.number && planned.left > 0);
        let bad = planned.map(|planned| {
            planned.left -= 1;
            planned.bad.clone()
        });
        match &bad {
            Some(Bad::Repeats) => next = request.param("after").map(str::to_owned),
            Some(Bad::Backwards) => next = self.rows.first().map(|row| token(2, row)),
            Some(Bad::Overlap) => {
                let before = self.rows.iter().find(|row| place.after.as_ref().is_some_and(|after| row.id == after.1));
                shown.splice(0..0, before.map(Row::text));
            }
            Some(Bad::OtherType) => {
                let count = shown.len();
                shown[count / 2] = shown[count / 2].replace("\"big\":", "\"big\":{\"units\":1},\"was\":");
            }
            _ => {}
        }
        let next = next.map_or_else(|| "null".to_owned(), |next| json!(next).to_string());
        spoilt(format!("{{\"data\":[{}],\"meta\":{{\"next\":{next}}}}}", shown.join(",")), bad)
    }
}

/// The answer, as the fault has it.
fn spoilt(text: String, bad: Option<Bad>) -> Reply {
    let half = text.len() / 2;
    let mut reply = Reply::json(text);
    match bad {
        None | Some(Bad::Repeats | Bad::Backwards | Bad::Overlap | Bad::OtherType) => {}
        Some(Bad::Status(status, headers, body)) => {
            reply = Reply::of(status, "application/json", body.as_bytes().to_vec());
            reply.headers.extend(headers);
        }
        Some(Bad::Cut) => reply.fault = Fault::CutAfter(half),
        Some(Bad::CutChunks) => reply.fault = Fault::CutChunks(half),
        Some(Bad::Silence) => reply.fault = Fault::Silence,
        Some(Bad::Dribble(pause)) => reply.fault = Fault::Dribble(pause),
        Some(Bad::Half) => reply.bytes().truncate(half),
        Some(Bad::LyingGzip) => reply = reply.header("Content-Encoding", "gzip"),
        Some(Bad::HalfGzip) => {
            let mut packed = gzip(reply.bytes());
            packed.truncate(packed.len() / 2);
            reply.body = Body::Bytes(packed);
            reply = reply.header("Content-Encoding", "gzip");
        }
        Some(Bad::Broken) => {
            let at = reply.bytes().iter().position(|byte| *byte == b',').unwrap_or(0);
            reply.bytes().insert(at, b',');
        }
        Some(Bad::Html) => {
            let page = "<!doctype html><title>Sorry</title><h1>We will be back soon</h1>";
            reply = Reply::of(200, "text/html", page.as_bytes().to_vec());
        }
    }
    reply
}

/// So many rows with values that are easily bent, a minute apart from `start` on.
pub fn rows(count: usize, start: i64) -> Vec<Row> {
    (0..count).map(|at| row(at, start + 60 * i64::try_from(at).unwrap(), 0)).collect()
}

/// Row number `at`, changed at `updated` for the `version`th time.
pub fn row(at: usize, updated: i64, version: usize) -> Row {
    let number = i64::try_from(at).unwrap();
    let id = format!("r-{at:06}");
    let names = ["Zoë \\\"quoted\\\"", "東京 🗼", "a\\nb\\tc", "\\u00e9\\ud83e\\uddfe", "plain", "‏שלום", "N/A", "null"];
    let meant = ["Zoë \"quoted\"", "東京 🗼", "a\nb\tc", "é🧾", "plain", "‏שלום", "N/A", "null"];
    let note = if at.is_multiple_of(3) { "null".to_owned() } else { json!(format!("note {version}")).to_string() };
    // Past 2^53 a double cannot tell odd from even.
    let big = 9_007_199_254_740_993 + number * 2;
    let exact = format!("{}.{:04}", 99_999_999_999_990 - number, (number * 7 + 1) % 10_000);
    let (currency, money) = [("JPY", "1999"), ("USD", "19.9900"), ("KWD", "1.9990"), ("EUR", "19.9900")][at % 4];
    let money = if currency == "JPY" { "1999.0000" } else { money };
    let (at_text, at_meant) = INSTANTS[at % INSTANTS.len()];
    let (day, flag) = (["2024-02-29", "2025-12-31", "2000-02-29"][at % 3], at.is_multiple_of(2));
    let name = names[at % names.len()];
    Row {
        members: format!(
            "\"name\":\"{name}\",\"note\":{note},\"big\":{big},\"exact\":{exact},\"amount\":1999,\"currency\":\"{currency}\",\
             \"at\":\"{at_text}\",\"day\":\"{day}\",\"flag\":{flag},\"version\":{version}"
        ),
        landed: json!({
            "id": id, "name": meant[at % meant.len()], "note": serde_json::from_str::<Value>(&note).unwrap(), "big": big,
            "exact": exact, "money": money, "currency": currency, "at": at_meant, "day": day, "flag": flag, "version": version,
        }),
        id,
        updated,
        is_deleted: false,
    }
}

/// Instants as systems write them, and what they are: zones, both sides of a change to and from summer time, leap days,
/// fractions.
const INSTANTS: [(&str, &str); 8] = [
    ("2026-03-29T01:59:59+01:00", "2026-03-29T00:59:59Z"),
    ("2026-03-29T03:00:00+02:00", "2026-03-29T01:00:00Z"),
    ("2025-10-26T02:30:00+02:00", "2025-10-26T00:30:00Z"),
    ("2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00Z"),
    ("2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999Z"),
    ("2024-02-29T23:30:00-0800", "2024-03-01T07:30:00Z"),
    ("2025-12-31 23:59:59Z", "2025-12-31T23:59:59Z"),
    ("2026-01-01T05:44:00+05:45", "2025-12-31T23:59:00Z"),
];
