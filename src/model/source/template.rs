//! Texts with places to fill in.

/// A text with places to fill in: `{name}` is a setting, `{window.start}`, `{window.end}`, `{cursor}`, `{token}` (the page's),
/// `{parent.<name>}`, `{job.<name>}` (of an asynchronous export), `{auth.<name>}` (of the token's answer), `{fields}` (the columns'
/// paths, joined by commas), `{today}`; `{{` and `}}` are braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// Its pieces in order.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Taken as it is.
    Text(String),
    /// Filled in: `api_key`, `window.start`, `parent.id`.
    Value(String),
}
