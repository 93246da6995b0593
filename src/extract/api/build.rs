//! A request of the description with its places filled in.

use super::auth::Access;
use super::fill::Scope;
use super::http::Ready;
use crate::error::{Error, Result};
use crate::model::source::SourceSpec;
use crate::model::source::stream::{Request, RequestBody, TokenTarget};
use crate::model::source::template::{Part, Template};
use reqwest::{Method, Url};
use serde_json::Value;

/// What is asked.
#[derive(Clone)]
pub(super) struct Asking<'a> {
    pub request: &'a Request,
    pub scope: &'a Scope,
    /// The page's token, and where it goes.
    pub token: Option<(&'a TokenTarget, &'a str)>,
    /// The page's address, in place of the request's own with all its parameters.
    pub address: Option<&'a str>,
    /// Takes an export away.
    pub is_delete: bool,
}

/// The request, ready to be sent but for what lets it in.
pub(super) fn ready(spec: &SourceSpec, asking: &Asking<'_>, access: &Access) -> Result<Ready> {
    let mut scope = asking.scope.with(access.outputs.clone());
    if let Some((TokenTarget::Path, token)) = asking.token {
        scope.local.insert("token".to_owned(), token.to_owned());
    }
    let request = asking.request;
    let base = address(&scope.fill_address(&spec.base_url)?)?;
    let mut url = match asking.address {
        // As any link on a page: what begins with a slash is below the host.
        Some(next) if next.starts_with('/') => base.join(next).map_err(|error| wrong(&error))?,
        Some(next) => below(&base, next)?,
        None => below(&base, &scope.fill_address(&request.path)?)?,
    };
    let is_trusted = url.origin() == base.origin() || is_described(&request.path, asking, &url);
    if asking.address.is_none() {
        add_params(&mut url, request, &scope, asking.token);
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, template) in spec.headers.iter().chain(&request.headers) {
        let filled = scope.fill(template);
        if !filled.is_unknown && is_trusted {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), filled.text));
        }
    }
    if let Some((TokenTarget::Header(name), token)) = asking.token {
        headers.push((name.clone(), token.to_owned()));
    }
    let method = match (asking.is_delete, request.is_post) {
        (true, _) => Method::DELETE,
        (false, true) => Method::POST,
        (false, false) => Method::GET,
    };
    Ok(Ready { method, url, headers, body: body(request, &scope, asking.token)?, is_trusted })
}

fn address(text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|error| {
        Error::usage("the source's base address is no address").caused_by(error).help("it begins with https://")
    })?;
    if matches!(url.scheme(), "https" | "http") && url.has_host() {
        return Ok(url);
    }
    Err(Error::usage("the source's base address is no address of a web server").help("it begins with https://"))
}

fn wrong(error: &dyn std::fmt::Display) -> Error {
    Error::usage("the address of a request is wrong").caused_by(error)
}

/// An address that is whole, or below `base`; one that begins with the base's own path is not put below it twice.
fn below(base: &Url, next: &str) -> Result<Url> {
    if next.starts_with("https://") || next.starts_with("http://") {
        return Url::parse(next).map_err(|error| wrong(&error));
    }
    if next.starts_with('?') {
        return base.join(next).map_err(|error| wrong(&error));
    }
    let prefix = base.path().trim_end_matches('/');
    let is_whole_path = !prefix.is_empty() && next.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if is_whole_path {
        return base.join(next).map_err(|error| wrong(&error));
    }
    let base = base.as_str().trim_end_matches('/');
    let whole = if next.is_empty() { base.to_owned() } else { format!("{base}/{}", next.trim_start_matches('/')) };
    Url::parse(&whole).map_err(|error| wrong(&error))
}

/// Whether the description itself names the host: an address that an answer gave is not trusted with credentials.
fn is_described(path: &Template, asking: &Asking<'_>, url: &Url) -> bool {
    let is_own = match path.parts.first() {
        Some(Part::Text(text)) => text.starts_with("https://") || text.starts_with("http://"),
        Some(Part::Value(name)) => !name.contains('.') && name != "token",
        None => false,
    };
    let own = asking.scope.fill_address(path).ok().and_then(|own| Url::parse(&own).ok());
    is_own && own.is_some_and(|own| own.origin() == url.origin())
}

fn add_params(url: &mut Url, request: &Request, scope: &Scope, token: Option<(&TokenTarget, &str)>) {
    let mut params: Vec<(&str, String)> = Vec::new();
    for (name, template) in &request.params {
        let filled = scope.fill(template);
        if !filled.is_unknown {
            params.push((name, filled.text));
        }
    }
    if let Some((TokenTarget::Param(name), token)) = token {
        params.retain(|(known, _)| known != name);
        params.push((name, token.to_owned()));
    }
    if !params.is_empty() {
        url.query_pairs_mut().extend_pairs(params);
    }
}

fn body(
    request: &Request,
    scope: &Scope,
    token: Option<(&TokenTarget, &str)>,
) -> Result<Option<(String, &'static str)>> {
    let target = token.and_then(|(target, token)| match target {
        TokenTarget::Body(path) => Some((path.as_str(), token)),
        _ => None,
    });
    match &request.body {
        Some(RequestBody::Form(fields)) => {
            let mut form: Vec<(String, String)> = Vec::new();
            for (name, template) in fields {
                let filled = scope.fill(template);
                if !filled.is_unknown {
                    form.push((name.clone(), filled.text));
                }
            }
            if let Some((name, token)) = target {
                form.retain(|(known, _)| known != name);
                form.push((name.to_owned(), token.to_owned()));
            }
            Ok(Some((form_text(&form), "application/x-www-form-urlencoded")))
        }
        Some(RequestBody::Json(json)) => {
            let mut filled = scope.fill_json(json)?.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
            if let Some((path, token)) = target {
                place(&mut filled, path, token);
            }
            Ok(Some((filled.to_string(), "application/json")))
        }
        None => Ok(target.map(|(path, token)| {
            let mut made = Value::Object(serde_json::Map::new());
            place(&mut made, path, token);
            (made.to_string(), "application/json")
        })),
    }
}

/// A form as it is sent.
pub(super) fn form_text(form: &[(String, String)]) -> String {
    // The parser of addresses knows the encoding.
    let Ok(mut url) = Url::parse("http://form/") else { return String::new() };
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}

/// Sets the member at a dotted path; what is in the way is replaced. A counted page is a number.
fn place(body: &mut Value, path: &str, token: &str) {
    let mut at = body;
    for name in path.split('.') {
        let step = name.parse::<usize>().ok().filter(|step| at.get(step).is_some());
        if let Some(step) = step {
            match at.get_mut(step) {
                Some(element) => at = element,
                None => return,
            }
            continue;
        }
        if !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        let Some(members) = at.as_object_mut() else { return };
        at = members.entry(name).or_insert(Value::Null);
    }
    let was_number = at.is_number();
    *at = match token.parse::<u64>() {
        Ok(number) if was_number => Value::from(number),
        _ => Value::String(token.to_owned()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_whole_or_below_the_base() {
        let base = Url::parse("https://x.example/api/v1").unwrap();
        let below = |next: &str| below(&base, next).unwrap().to_string();
        assert_eq!(below("/items"), "https://x.example/api/v1/items");
        assert_eq!(below("items?x=1"), "https://x.example/api/v1/items?x=1");
        assert_eq!(below("/api/v1/items?cursor=2"), "https://x.example/api/v1/items?cursor=2");
        assert_eq!(below("https://y.example/z"), "https://y.example/z");
        assert_eq!(below("?page=2"), "https://x.example/api/v1?page=2");
        assert_eq!(below(""), "https://x.example/api/v1");
    }

    #[test]
    fn a_token_finds_its_place_in_a_body() {
        let mut body = serde_json::json!({"query": {"a": 1}, "filters": [{"value": "0"}], "page": 1});
        place(&mut body, "pagination.starting_after", "abc");
        place(&mut body, "page", "2");
        place(&mut body, "filters.0.value", "77");
        let wanted = serde_json::json!({
            "query": {"a": 1}, "filters": [{"value": "77"}], "page": 2, "pagination": {"starting_after": "abc"},
        });
        assert_eq!(body, wanted);
    }
}
