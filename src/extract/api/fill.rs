//! Templates filled in, and what may be shown of the result.

use crate::error::{Error, Result};
use crate::extract::scrub::{Scrub, UNRESERVED};
use crate::job::api::ApiSource;
use crate::model::source::template::{Part, Template};
use percent_encoding::utf8_percent_encode;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What templates can name.
#[derive(Clone, Default)]
pub(super) struct Scope {
    settings: Arc<BTreeMap<String, String>>,
    /// Values of one request: `cursor`, `window.start`, `token`, `parent.id`, `job.id`, `auth.instance_url`.
    pub local: BTreeMap<String, String>,
    /// Values that are lists, for JSON bodies.
    pub lists: BTreeMap<String, Vec<String>>,
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("local", &self.local.keys()).finish_non_exhaustive()
    }
}

/// A filled template.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub text: String,
    /// Whether it has places and none of them has a value.
    pub is_unknown: bool,
    /// The first place without a value.
    pub missing: Option<String>,
}

impl Scope {
    /// The settings of a source, fetched from where they stand.
    pub fn new(source: &ApiSource, scrub: &Scrub) -> Result<Self> {
        let mut settings = BTreeMap::new();
        for (name, value) in &source.settings {
            let secret = value.resolve()?;
            if source.spec.settings.get(name).is_some_and(|setting| setting.is_secret) {
                scrub.hide(secret.reveal());
            }
            settings.insert(name.clone(), secret.reveal().to_owned());
        }
        Ok(Scope { settings: Arc::new(settings), local: BTreeMap::new(), lists: BTreeMap::new() })
    }

    /// The same settings with further values.
    pub fn with(&self, local: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut scope = self.clone();
        scope.local.extend(local);
        scope
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.local.get(name).or_else(|| self.settings.get(name)).map(String::as_str)
    }

    /// The text as it is.
    pub fn fill(&self, template: &Template) -> Filled {
        self.filled(template, |_, value| value.to_owned())
    }

    /// The text as part of an address: values are percent-encoded, except a first one, which is an address itself.
    pub fn fill_address(&self, template: &Template) -> Result<String> {
        let filled = self.filled(template, |at, value| match at {
            0 => value.to_owned(),
            _ => utf8_percent_encode(value, UNRESERVED).to_string(),
        });
        match filled.missing {
            Some(name) => Err(Error::usage(format!("an address needs {{{name}}}, which has no value here"))),
            None => Ok(filled.text),
        }
    }

    /// The text, where it must be known.
    pub fn need(&self, template: &Template) -> Result<String> {
        let filled = self.fill(template);
        match filled.missing {
            Some(name) => Err(Error::usage(format!("a request needs {{{name}}}, which has no value here"))
                .help(format!("set `{name}` for the source in the job"))),
            None => Ok(filled.text),
        }
    }

    fn filled(&self, template: &Template, encode: impl Fn(usize, &str) -> String) -> Filled {
        let mut filled = Filled::default();
        let (mut places, mut known) = (0, 0);
        for (at, part) in template.parts.iter().enumerate() {
            match part {
                Part::Text(text) => filled.text.push_str(text),
                Part::Value(name) => {
                    places += 1;
                    match self.get(name) {
                        Some(value) => {
                            known += 1;
                            filled.text.push_str(&encode(at, value));
                        }
                        // The first page has no token, and is asked for all the same.
                        None if name == "token" => {}
                        None => filled.missing = filled.missing.or_else(|| Some(name.clone())),
                    }
                }
            }
        }
        filled.is_unknown = places > 0 && known == 0;
        filled
    }

    /// The one element of an array that names a list, once for each text of the list.
    fn repeated(&self, element: &serde_json::Value) -> Result<Option<Vec<serde_json::Value>>> {
        let text = element.to_string();
        let named = self.lists.iter().find(|(name, _)| text.contains(&format!("{{{name}}}")));
        let Some((name, list)) = named else { return Ok(None) };
        let mut all = Vec::with_capacity(list.len());
        for value in list {
            let mut scope = self.with([(name.clone(), value.clone())]);
            scope.lists.clear();
            all.extend(scope.fill_json(element)?);
        }
        Ok(Some(all))
    }

    /// A JSON body: texts in it are templates; members and elements whose places are all unknown are left out.
    pub fn fill_json(&self, body: &serde_json::Value) -> Result<Option<serde_json::Value>> {
        use serde_json::Value;
        Ok(Some(match body {
            Value::String(text) => {
                let template =
                    Template::parse(text).map_err(|(_, why)| Error::usage(format!("in a JSON body: {why}")))?;
                if let [Part::Value(name)] = template.parts.as_slice()
                    && let Some(list) = self.lists.get(name)
                {
                    return Ok(Some(Value::from(list.clone())));
                }
                let filled = self.fill(&template);
                if filled.is_unknown {
                    return Ok(None);
                }
                Value::String(filled.text)
            }
            Value::Array(elements) => {
                if let [one @ Value::Object(_)] = elements.as_slice()
                    && let Some(repeated) = self.repeated(one)?
                {
                    return Ok(Some(Value::Array(repeated)));
                }
                let filled = elements.iter().map(|element| self.fill_json(element)).collect::<Result<Vec<_>>>()?;
                Value::Array(filled.into_iter().flatten().collect())
            }
            Value::Object(members) => {
                let mut filled = serde_json::Map::new();
                for (name, member) in members {
                    let before = member.as_object().map(serde_json::Map::len);
                    let Some(value) = self.fill_json(member)? else { continue };
                    // A filter whose every value is unknown is no filter.
                    if before.is_some_and(|before| before > 0)
                        && value.as_object().is_some_and(serde_json::Map::is_empty)
                    {
                        continue;
                    }
                    filled.insert(name.clone(), value);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(values: &[(&str, &str)]) -> Scope {
        Scope::default().with(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn unknown_places_leave_their_parameter_out() {
        let scope = scope(&[("site", "a b/c"), ("root", "https://x.example")]);
        let template = |text: &str| Template::parse(text).unwrap();
        assert_eq!(scope.fill(&template("{site}")).text, "a b/c");
        assert!(scope.fill(&template("{cursor}")).is_unknown);
        assert!(!scope.fill(&template("{site}{cursor}")).is_unknown);
        assert_eq!(scope.fill_address(&template("{root}/v1/{site}")).unwrap(), "https://x.example/v1/a%20b%2Fc");
        assert!(scope.fill_address(&template("/v1/{cursor}")).is_err());
        let body = serde_json::json!({"limit": 5, "filter": {"from": "{cursor}"}, "ids": ["{site}", "{cursor}"]});
        let filled = scope.fill_json(&body).unwrap().unwrap();
        assert_eq!(filled, serde_json::json!({"limit": 5, "ids": ["a b/c"]}));
        let mut many = scope;
        many.lists.insert("parent.id".to_owned(), vec!["1".to_owned(), "2".to_owned()]);
        let body = serde_json::json!({"inputs": [{"id": "{parent.id}"}], "ids": "{parent.id}"});
        let filled = many.fill_json(&body).unwrap().unwrap();
        assert_eq!(filled, serde_json::json!({"inputs": [{"id": "1"}, {"id": "2"}], "ids": ["1", "2"]}));
    }

    #[test]
    fn secrets_are_hidden_in_every_form() {
        let scrub = Scrub::default();
        scrub.hide("s3cr\"t/key");
        for text in ["s3cr\"t/key", "?k=s3cr%22t%2Fkey&x", r#"{"k":"s3cr\"t/key"}"#] {
            assert!(!scrub.clean(text).contains("s3cr"), "{text}");
        }
        assert!(!format!("{scrub:?}").contains("s3cr"));
    }
}
