//! What is never shown: secrets, in whatever form a system or a tap gives them back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What an address may hold as it is (RFC 3986 unreserved).
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Texts that are never shown.
#[derive(Clone, Default)]
pub(in crate::extract) struct Scrub(Arc<Mutex<Vec<String>>>);

impl fmt::Debug for Scrub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrub(***)")
    }
}

/// What stands in a secret's place.
const HIDDEN: &str = "***";

impl Scrub {
    /// Adds a text, in every form in which it may come back: as it is, in an address, in JSON.
    pub fn hide(&self, secret: &str) {
        // Anything shorter is a word that could stand anywhere.
        if secret.len() < 4 {
            return;
        }
        let json = serde_json::to_string(secret).unwrap_or_default();
        let encoded = utf8_percent_encode(secret, UNRESERVED).to_string();
        let form = encoded.replace("%20", "+");
        let mut hidden = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for text in [secret.to_owned(), encoded, form, json.trim_matches('"').to_owned()] {
            if !hidden.contains(&text) {
                hidden.push(text);
            }
        }
        hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    }

    /// The text without secrets.
    pub fn clean(&self, text: &str) -> String {
        let hidden = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.iter().fold(text.to_owned(), |text, secret| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), HIDDEN),
            false => text,
        })
    }
}
