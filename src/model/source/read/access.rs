//! `[auth]`, `[limits]` and `[[errors]]`.

use super::fields::{self, Scope, need_single, need_template, pairs};
use crate::model::document::{Item, Table};
use crate::model::source::access::{Auth, ErrorAction, ErrorRule, Grant, Limits, OAuth, Rate, RateSignal, ResetUnit};
use crate::model::source::path::JsonPath;
use crate::model::source::template::Template;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The actions of `[[errors]]`.
const ACTIONS: [(&str, ErrorAction); 8] = [
    ("retry", ErrorAction::Retry),
    ("empty", ErrorAction::Empty),
    ("skip_stream", ErrorAction::SkipStream),
    ("skip_slice", ErrorAction::SkipSlice),
    ("restart", ErrorAction::Restart),
    ("halve", ErrorAction::Halve),
    ("refresh_token", ErrorAction::RefreshToken),
    ("fail", ErrorAction::Fail),
];

/// One way in.
pub(super) fn auth(table: &Table<'_>, scope: &Scope<'_>) -> Option<Auth> {
    let auth = match table.need_text("kind")? {
        "none" => Some(Auth::None),
        "bearer" => need_template(table, "token", scope).map(|token| Auth::Bearer { token }),
        "basic" => basic(table, scope),
        "key" => key(table, scope),
        "oauth" => oauth(table, scope).map(|oauth| Auth::OAuth(Box::new(oauth))),
        other => {
            let span = table.get("kind").map(|item| item.span).unwrap_or_default();
            table.report().unknown(&span, "kind", other, ["none", "bearer", "basic", "key", "oauth"]);
            // Its keys belong to the kind that was meant.
            return None;
        }
    };
    table.finish();
    auth
}

fn basic(table: &Table<'_>, scope: &Scope<'_>) -> Option<Auth> {
    let password = match table.get("password") {
        Some(item) => fields::template(&item, scope),
        None => Some(Template::default()),
    };
    Some(Auth::Basic { user: need_template(table, "user", scope)?, password: password? })
}

fn key(table: &Table<'_>, scope: &Scope<'_>) -> Option<Auth> {
    let name = table.need_text("name").map(str::to_owned);
    let value = need_template(table, "value", scope);
    let is_query = match table.get("in") {
        Some(item) => fields::choice(&item, &[("header", false), ("query", true)])?,
        None => false,
    };
    Some(Auth::Key { name: name?, value: value?, is_query })
}

fn oauth(table: &Table<'_>, scope: &Scope<'_>) -> Option<OAuth> {
    let grant = grant(table, scope);
    let token_url = need_template(table, "token_url", scope);
    let path_or = |key: &str, default: &str| match table.get(key) {
        Some(item) => fields::single(&item),
        None => JsonPath::parse(default).ok(),
    };
    let (token_path, expires_path) = (path_or("token_path", "access_token"), path_or("expires_path", "expires_in"));
    Some(OAuth {
        form: pairs(table, "form", scope),
        lifetime: fields::some_time(table, "lifetime", 60 * MINUTE),
        outputs: fields::paths(table, "outputs"),
        token_url: token_url?,
        grant: grant?,
        token_path: token_path?,
        expires_path: expires_path?,
    })
}

fn grant(table: &Table<'_>, scope: &Scope<'_>) -> Option<Grant> {
    let item = table.need("grant")?;
    let need = |key: &str| need_template(table, key, scope);
    let is_basic = || match table.get("client_in") {
        Some(item) => fields::choice(&item, &[("form", false), ("basic", true)]),
        None => Some(false),
    };
    match item.text()? {
        "client_credentials" => {
            let (client_id, client_secret) = (need("client_id"), need("client_secret"));
            Some(Grant::ClientCredentials {
                is_basic: is_basic()?,
                client_id: client_id?,
                client_secret: client_secret?,
            })
        }
        "refresh_token" => {
            let (client_id, client_secret) = (need("client_id"), need("client_secret"));
            let refresh_token = need("refresh_token");
            Some(Grant::RefreshToken {
                is_basic: is_basic()?,
                client_id: client_id?,
                client_secret: client_secret?,
                refresh_token: refresh_token?,
            })
        }
        "jwt_bearer" => {
            let (issuer, subject, audience, key) = (need("issuer"), need("subject"), need("audience"), need("key"));
            let lifetime = fields::some_time(table, "assertion_lifetime", 3 * MINUTE);
            Some(Grant::JwtBearer { issuer: issuer?, subject: subject?, audience: audience?, key: key?, lifetime })
        }
        other => {
            let known = ["client_credentials", "refresh_token", "jwt_bearer"];
            item.report().unknown(&item.span, "grant", other, known);
            None
        }
    }
}

/// `[limits]`, with the defaults where it says nothing.
pub(super) fn limits(table: Option<&Table<'_>>) -> Limits {
    let mut limits = Limits {
        concurrency: 4,
        rates: Vec::new(),
        signals: Vec::new(),
        attempts: 6,
        connect_timeout: Duration::from_secs(10),
        read_timeout: MINUTE,
        total_timeout: 30 * MINUTE,
        longest_wait: 15 * MINUTE,
    };
    let Some(table) = table else { return limits };
    if let Some(most) = table.get("concurrency").and_then(|item| item.integer(1, 64)) {
        limits.concurrency = usize::try_from(most).unwrap_or(limits.concurrency);
    }
    limits.attempts = fields::count(table, "attempts", 1, limits.attempts);
    limits.connect_timeout = fields::some_time(table, "connect_timeout", limits.connect_timeout);
    limits.read_timeout = fields::some_time(table, "read_timeout", limits.read_timeout);
    limits.total_timeout = fields::some_time(table, "total_timeout", limits.total_timeout);
    limits.longest_wait = fields::duration_or(table, "longest_wait", limits.longest_wait);
    let tables = |key: &str| table.get(key).and_then(|item| item.list()).unwrap_or_default();
    limits.rates = tables("rate").iter().filter_map(|item| rate(&item.table()?)).collect();
    limits.signals = tables("signal").iter().filter_map(|item| signal(&item.table()?)).collect();
    table.finish();
    limits
}

fn rate(table: &Table<'_>) -> Option<Rate> {
    let requests = table.need("requests").and_then(|item| item.integer(1, i64::from(u32::MAX)));
    let per = table.need("per").map(|_| fields::some_time(table, "per", MINUTE));
    let paths = table.text("paths").map(str::to_owned);
    table.finish();
    Some(Rate { requests: u32::try_from(requests?).ok()?, per: per?, paths })
}

fn signal(table: &Table<'_>) -> Option<RateSignal> {
    let units =
        [("seconds", ResetUnit::Seconds), ("milliseconds", ResetUnit::Milliseconds), ("epoch", ResetUnit::Epoch)];
    let remaining = table.need_text("remaining").map(str::to_owned);
    let reset = table.text("reset").map(str::to_owned);
    let reset_unit = match table.get("reset_unit") {
        Some(item) => fields::choice(&item, &units),
        None => Some(ResetUnit::Seconds),
    };
    table.finish();
    Some(RateSignal { remaining: remaining?, reset, reset_unit: reset_unit? })
}

/// `[[errors]]`.
pub(super) fn errors(item: Option<&Item<'_>>) -> Vec<ErrorRule> {
    let items = item.and_then(|item| item.list()).unwrap_or_default();
    items.iter().filter_map(|item| error_rule(item, &item.table()?)).collect()
}

fn error_rule(item: &Item<'_>, table: &Table<'_>) -> Option<ErrorRule> {
    let status = table.get("status").and_then(|item| item.list()).unwrap_or_default();
    let status: Vec<u16> = status
        .iter()
        .filter_map(|status| status.integer(100, 599).and_then(|status| u16::try_from(status).ok()))
        .collect();
    let body = table.get("body").map(|_| need_single(table, "body"));
    let wanted = table.get("body_contains");
    if let (None, Some(wanted)) = (&body, &wanted) {
        wanted.report().error(
            &wanted.key_span,
            "`body_contains` needs `body`: where in the answer; `contains` looks at all of it",
        );
    }
    let wanted = wanted.and_then(|item| item.text()).unwrap_or_default();
    let contains = table.text("contains").map(str::to_owned);
    let action = table.need("action").and_then(|item| fields::choice(&item, &ACTIONS));
    let message = table.text("message").map(str::to_owned);
    table.finish();
    if status.is_empty() && body.is_none() && contains.is_none() {
        item.report().error(&item.span, "the rule fits every answer; it needs `status`, `body` or `contains`");
    }
    let body = match body {
        Some(path) => Some((path?, wanted.to_owned())),
        None => None,
    };
    Some(ErrorRule { status, body, contains, action: action?, message })
}
