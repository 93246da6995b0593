//! Texts with places to fill in.

/// A text with places to fill in: `{name}` is a setting, `{window.start}`, `{window.end}`, `{cursor}`, `{token}` (the page's),
/// `{parent.<name>}`, `{job.<name>}` (of an asynchronous export), `{auth.<name>}` (of the token's answer), `{fields}` (the columns'
/// paths, joined by commas), `{today}`; `{{` and `}}` are braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// Its pieces in order.
    pub parts: Vec<Part>,
}

impl Template {
    /// A text without places.
    pub fn text(text: &str) -> Self {
        let part = (!text.is_empty()).then(|| Part::Text(text.to_owned()));
        Template { parts: part.into_iter().collect() }
    }

    /// Parses a template; whether its places have names that somebody knows is not looked at.
    ///
    /// # Errors
    /// What is wrong with it, and where: the byte it begins at.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            match next {
                '{' | '}' if text[at + 1..].starts_with(next) => {
                    plain.push(next);
                    at += 2;
                }
                '{' => {
                    let close = text[at..].find('}').ok_or_else(|| {
                        (at, "this `{` is not closed; write {{ for a brace that is meant as it is".to_owned())
                    })?;
                    let name = &text[at + 1..at + close];
                    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, '{' | '"')) {
                        return Err((
                            at,
                            "no name between the braces; write {{ for a brace that is meant as it is".to_owned(),
                        ));
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Value(name.to_owned()));
                    at += close + 1;
                }
                '}' => return Err((at, "a `}` without `{`; write }} for a brace that is meant as it is".to_owned())),
                other => {
                    plain.push(other);
                    at += other.len_utf8();
                }
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Template { parts })
    }

    /// The names of its places, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Taken as it is.
    Text(String),
    /// Filled in: `api_key`, `window.start`, `parent.id`.
    Value(String),
}
