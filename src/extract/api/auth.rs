//! How requests are let in: fixed credentials, and tokens that are had once for everybody and renewed in time.

use super::doc::Index;
use super::fill::Scope;
use super::jwt;
use super::seal;
use super::walk;
use crate::error::{Class, Error, Result};
use crate::extract::scrub::Scrub;
use crate::model::source::access::{Auth, Grant, OAuth};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What lets one request in.
#[derive(Clone, Default)]
pub(super) struct Access {
    /// Headers; names as they are sent.
    pub headers: Vec<(String, String)>,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// `auth.<name>`: values of the token's answer for templates.
    pub outputs: BTreeMap<String, String>,
    /// Which token it is; 0 where there is none.
    pub generation: u64,
}

/// A form that is sent to the token endpoint.
pub(super) struct TokenRequest {
    pub url: String,
    pub form: Vec<(String, String)>,
    pub basic: Option<(String, String)>,
}

impl TokenRequest {
    /// Says who asks: the client's name and secret, in Basic or in the form.
    fn introduce(&mut self, (id, secret): (String, String), is_basic: bool) {
        if is_basic {
            self.basic = Some((id, secret));
        } else {
            self.form.extend([("client_id".to_owned(), id), ("client_secret".to_owned(), secret)]);
        }
    }
}

/// What the token endpoint answered.
pub(super) struct TokenAnswer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Sends token requests; keeps refresh tokens that were replaced.
pub(super) trait TokenDesk: Sync {
    fn ask(&self, request: TokenRequest) -> impl Future<Output = Result<TokenAnswer>> + Send;
    fn keep(&self, sealed: String) -> impl Future<Output = Result<()>> + Send;
}

/// The credential of a source.
pub(super) struct Authority {
    auth: Auth,
    scope: Scope,
    scrub: Scrub,
    held: Mutex<Held>,
    started: Instant,
    now: DateTime<Utc>,
}

#[derive(Default)]
struct Held {
    access: Option<Arc<Access>>,
    renew_at: Option<Instant>,
    generation: u64,
    /// The refresh token that replaced the job's.
    refresh: Option<String>,
}

impl Authority {
    /// `kept` is a refresh token that an earlier run sealed.
    pub fn new(auth: &Auth, scope: &Scope, scrub: &Scrub, kept: Option<&str>, now: DateTime<Utc>) -> Result<Self> {
        let mut held = Held::default();
        if let (Auth::OAuth(oauth), Some(kept)) = (auth, kept)
            && let Grant::RefreshToken { .. } = oauth.grant
        {
            held.refresh = seal::open(kept, &sealing_key(oauth, scope)?);
            held.refresh.iter().for_each(|token| scrub.hide(token));
        }
        Ok(Authority {
            auth: auth.clone(),
            scope: scope.clone(),
            scrub: scrub.clone(),
            held: Mutex::new(held),
            started: Instant::now(),
            now,
        })
    }

    /// What lets the next request in; a token that is missing or about to expire is had first, once for all who wait.
    /// `refused` is the generation that the source refused.
    pub async fn access(&self, desk: &impl TokenDesk, refused: Option<u64>) -> Result<Arc<Access>> {
        let oauth = match &self.auth {
            Auth::OAuth(oauth) => oauth,
            fixed => return self.fixed(fixed).map(Arc::new),
        };
        let mut held = self.held.lock().await;
        let is_fresh = held.renew_at.is_none_or(|at| Instant::now() < at) && refused != Some(held.generation);
        if let Some(access) = held.access.as_ref().filter(|_| is_fresh) {
            return Ok(Arc::clone(access));
        }
        let access = Arc::new(self.renew(oauth, &mut held, desk).await?);
        held.access = Some(Arc::clone(&access));
        Ok(access)
    }

    /// The name of the parameter that carries the key, where one does.
    pub fn key_param(&self) -> Option<&str> {
        match &self.auth {
            Auth::Key { name, is_query: true, .. } => Some(name),
            _ => None,
        }
    }

    fn fixed(&self, auth: &Auth) -> Result<Access> {
        let mut access = Access::default();
        match auth {
            Auth::None | Auth::OAuth(_) => {}
            Auth::Bearer { token } => {
                access.headers.push(("Authorization".to_owned(), format!("Bearer {}", self.scope.need(token)?)));
            }
            Auth::Basic { user, password } => {
                let pair = format!("{}:{}", self.scope.need(user)?, self.scope.need(password)?);
                let encoded = STANDARD.encode(pair);
                self.scrub.hide(&encoded);
                access.headers.push(("Authorization".to_owned(), format!("Basic {encoded}")));
            }
            Auth::Key { name, value, is_query } => {
                let pair = (name.clone(), self.scope.need(value)?);
                if *is_query { access.params.push(pair) } else { access.headers.push(pair) }
            }
        }
        Ok(access)
    }

    async fn renew(&self, oauth: &OAuth, held: &mut Held, desk: &impl TokenDesk) -> Result<Access> {
        let request = self.request(oauth, held)?;
        let answer = desk.ask(request).await?;
        let mut index = Index::default();
        let parsed = index.parse(&answer.body).ok();
        let text = |name: &str| parsed.and_then(|root| root.member(name)?.scalar()).map(|text| text.into_owned());
        let token = parsed.and_then(|root| walk::first(root, &oauth.token_path.steps)?.scalar());
        let (Some(token), Some(root), 200..=299) = (token, parsed, answer.status) else {
            let said = [text("error"), text("error_description"), text("message")];
            let said: Vec<String> = said.into_iter().flatten().collect();
            return Err(refused(answer.status, &self.scrub.clean(&said.join(": "))));
        };
        self.scrub.hide(&token);
        if let Grant::RefreshToken { .. } = oauth.grant
            && let Some(next) = text("refresh_token")
            && held.refresh.as_ref() != Some(&next)
        {
            self.scrub.hide(&next);
            desk.keep(seal::close(&next, &sealing_key(oauth, &self.scope)?)?).await?;
            held.refresh = Some(next);
        }
        let lifetime = walk::first(root, &oauth.expires_path.steps)
            .and_then(|value| value.scalar()?.parse::<f64>().ok())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
            .unwrap_or(oauth.lifetime);
        // A tenth of its life early, at most a minute: a token must outlive the request that it lets in.
        held.renew_at = Instant::now().checked_add(lifetime - (lifetime / 10).min(Duration::from_secs(60)));
        held.generation += 1;
        let outputs = oauth.outputs.iter().filter_map(|(name, path)| {
            let value = walk::first(root, &path.steps)?.scalar()?;
            Some((format!("auth.{name}"), value.into_owned()))
        });
        Ok(Access {
            headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))],
            params: Vec::new(),
            outputs: outputs.collect(),
            generation: held.generation,
        })
    }

    fn request(&self, oauth: &OAuth, held: &Held) -> Result<TokenRequest> {
        let scope = &self.scope;
        let field = |name: &str, value: String| (name.to_owned(), value);
        let mut request = TokenRequest { url: scope.fill_address(&oauth.token_url)?, form: Vec::new(), basic: None };
        match &oauth.grant {
            Grant::ClientCredentials { client_id, client_secret, is_basic } => {
                request.form.push(field("grant_type", "client_credentials".to_owned()));
                request.introduce((scope.need(client_id)?, scope.need(client_secret)?), *is_basic);
            }
            Grant::RefreshToken { client_id, client_secret, refresh_token, is_basic } => {
                let refresh = match &held.refresh {
                    Some(refresh) => refresh.clone(),
                    None => scope.need(refresh_token)?,
                };
                request.form.extend([field("grant_type", "refresh_token".to_owned()), field("refresh_token", refresh)]);
                request.introduce((scope.need(client_id)?, scope.need(client_secret)?), *is_basic);
            }
            Grant::JwtBearer { issuer, subject, audience, key, lifetime } => {
                let issued = self.now.timestamp() + i64::try_from(self.started.elapsed().as_secs()).unwrap_or(0);
                let expires = issued + i64::try_from(lifetime.as_secs()).unwrap_or(180);
                let claims = serde_json::json!({
                    "iss": scope.need(issuer)?, "sub": scope.need(subject)?, "aud": scope.need(audience)?,
                    "iat": issued, "exp": expires,
                });
                let assertion = jwt::rs256(&claims, &scope.need(key)?)?;
                self.scrub.hide(&assertion);
                request.form.extend([
                    field("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
                    field("assertion", assertion),
                ]);
            }
        }
        for (name, value) in &oauth.form {
            request.form.push(field(name, scope.need(value)?));
        }
        Ok(request)
    }
}

/// What only the job knows: a sealed token is worthless without it, and out of use once the job has another.
fn sealing_key(oauth: &OAuth, scope: &Scope) -> Result<String> {
    let Grant::RefreshToken { client_id, client_secret, refresh_token, .. } = &oauth.grant else {
        return Ok(String::new());
    };
    let parts = [scope.need(client_id)?, scope.need(client_secret)?, scope.need(refresh_token)?];
    Ok(parts.join("\u{1f}"))
}

fn refused(status: u16, said: &str) -> Error {
    let error = Error::new(Class::Unavailable, format!("the token request was refused with status {status}"));
    let error = if said.is_empty() { error } else { error.caused_by(said) };
    error.help("check the client's id, secret and rights; a key or refresh token may have been revoked")
}
