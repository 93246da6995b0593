//! How a system lets requests in, how much it lets itself be asked, and what its answers mean.

use super::path::JsonPath;
use super::template::Template;
use std::time::Duration;

/// How requests are allowed in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
#[expect(clippy::enum_variant_names, reason = "the field calls it so")]
pub enum Auth {
    /// Anybody may ask.
    None,
    /// `Authorization: Bearer …`.
    Bearer { token: Template },
    /// `Authorization: Basic …`.
    Basic { user: Template, password: Template },
    /// A key in a header or, where `is_query`, in the query.
    Key { name: String, value: Template, is_query: bool },
    /// A token of a token endpoint, renewed before it expires and once on a 401.
    OAuth(Box<OAuth>),
}

/// How a token is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// The token endpoint.
    pub token_url: Template,
    /// The grant.
    pub grant: Grant,
    /// Further form fields of the token request.
    pub form: Vec<(String, Template)>,
    /// Where the token stands in the answer.
    pub token_path: JsonPath,
    /// Where its life in seconds stands; [`OAuth::lifetime`] where the answer does not say.
    pub expires_path: JsonPath,
    /// A token's life where the answer does not say.
    pub lifetime: Duration,
    /// Values of the answer that templates may use as `{auth.<name>}`.
    pub outputs: Vec<(String, JsonPath)>,
}

/// An OAuth 2 grant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Grant {
    /// RFC 6749 §4.4; the client's name and secret go into the form, or into Basic where `is_basic`.
    ClientCredentials { client_id: Template, client_secret: Template, is_basic: bool },
    /// RFC 6749 §6; a new refresh token in the answer replaces the old one, in the stream state. The client's name and
    /// secret as above.
    RefreshToken { client_id: Template, client_secret: Template, refresh_token: Template, is_basic: bool },
    /// RFC 7523 with RS256: `key` is a PEM private key.
    JwtBearer { issuer: Template, subject: Template, audience: Template, key: Template, lifetime: Duration },
}

/// How much may be asked, and how long to wait. One budget a credential, shared by all streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests under way at once.
    pub concurrency: usize,
    /// Declared rates; each request must fit into all that match its path.
    pub rates: Vec<Rate>,
    /// Headers that say what is left.
    pub signals: Vec<RateSignal>,
    /// Attempts of one request.
    pub attempts: u32,
    /// For a connection.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer.
    pub read_timeout: Duration,
    /// For a whole answer.
    pub total_timeout: Duration,
    /// The longest that a source may make us wait in one go; longer is a failure (69) that names it.
    pub longest_wait: Duration,
}

/// At most so many requests in so much time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In which time.
    pub per: Duration,
    /// Paths it holds for, with `*`; all where none.
    pub paths: Option<String>,
}

/// Response headers that say how many requests are left, and when there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateSignal {
    /// The header with the number left.
    pub remaining: String,
    /// The header with the time of more.
    pub reset: Option<String>,
    /// How that time is written.
    pub reset_unit: ResetUnit,
}

/// How a reset time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetUnit {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970.
    Epoch,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRule {
    /// The statuses it is about; all where empty.
    pub status: Vec<u16>,
    /// A value of the JSON body and what it must contain (anything, where the text is empty).
    pub body: Option<(JsonPath, String)>,
    /// A text the body must contain, whatever its format.
    pub contains: Option<String>,
    /// Then what.
    pub action: ErrorAction,
    /// What to tell people.
    pub message: Option<String>,
}

/// What to do about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorAction {
    /// Again, after a while.
    Retry,
    /// There are no rows.
    Empty,
    /// This stream cannot be read with these rights: it is left out with a warning.
    SkipStream,
    /// This slice (a parent, a window) is left out with a warning.
    SkipSlice,
    /// The pass begins again: what a page token stood for is gone.
    Restart,
    /// Half the window is tried.
    Halve,
    /// With a new token, once.
    RefreshToken,
    /// The stream fails.
    Fail,
}
