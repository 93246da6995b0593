//! A database's address as libpq reads it, and what of it may be shown.

use super::tls::Trust;
use crate::error::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// For a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a database is and how it wants to be talked to.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// Everything but trust.
    pub config: Config,
    /// What is demanded of the server's certificate, where there is one.
    pub trust: Trust,
    /// `user@host:port/database`, without the password.
    pub shown: String,
}

impl Address {
    /// Reads `postgres://…`. `sslmode` is libpq's: disable, prefer, require, verify-ca, verify-full. Where the address does not
    /// say, a host beyond this machine must show a certificate that names it (verify-full).
    ///
    /// # Errors
    /// It is no address (64). What it holds is never told.
    pub fn parse(url: &str) -> Result<Address> {
        let (url, mode) = take(url, "sslmode");
        let (url, root) = take(&url, "sslrootcert");
        let mut config: Config = url.parse().map_err(|_| {
            Error::usage("the database's address is no address")
                .help("write postgres://user:password@host:5432/database?sslmode=verify-full")
        })?;
        let is_near = config.get_hosts().iter().all(is_near);
        let mode = mode.unwrap_or_else(|| if is_near { "prefer".to_owned() } else { "verify-full".to_owned() });
        let root = root.map(PathBuf::from);
        let (ssl, trust) = match (mode.as_str(), root) {
            ("disable", _) => (SslMode::Disable, Trust::Anybody),
            ("allow" | "prefer", root) => {
                (SslMode::Prefer, root.map_or(Trust::Anybody, |file| Trust::Signed(Some(file))))
            }
            // As libpq: with an authority at hand, `require` checks it.
            ("require", root) => (SslMode::Require, root.map_or(Trust::Anybody, |file| Trust::Signed(Some(file)))),
            ("verify-ca" | "verify-full", root) => (SslMode::Require, Trust::Signed(root)),
            (other, _) => {
                return Err(Error::usage(format!("`sslmode={other}` is unknown"))
                    .help("write disable, prefer, require, verify-ca or verify-full"));
            }
        };
        config.ssl_mode(ssl).connect_timeout(CONNECT_TIMEOUT).application_name("tailwater");
        // Whatever the user may do: this session writes nothing.
        config.options("-c default_transaction_read_only=on -c timezone=UTC -c datestyle=ISO -c client_encoding=UTF8 -c extra_float_digits=1");
        let shown = shown(&config);
        Ok(Address { config, trust, shown })
    }
}

fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        Host::Unix(_) => true,
    }
}

fn shown(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{}@{host}:{port}/{}", config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default())
}

/// The address without one of its parameters, and that parameter.
fn take(url: &str, name: &str) -> (String, Option<String>) {
    let Some((front, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (mut kept, mut found) = (Vec::new(), None);
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((key, value)) if key == name => found = Some(value.replace("%2F", "/").replace("%2f", "/")),
            _ => kept.push(pair),
        }
    }
    let rest = if kept.is_empty() { front.to_owned() } else { format!("{front}?{}", kept.join("&")) };
    (rest, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_far_away_wants_a_certificate_and_shows_no_password() {
        let far = Address::parse("postgres://reader:pa%20ss@db.example:6432/app").unwrap();
        assert_eq!((far.trust, far.config.get_ssl_mode()), (Trust::Signed(None), SslMode::Require));
        assert_eq!(far.shown, "reader@db.example:6432/app");
        let near = Address::parse("postgres://reader@127.0.0.1/app").unwrap();
        assert_eq!((near.trust, near.config.get_ssl_mode()), (Trust::Anybody, SslMode::Prefer));
        let own = Address::parse("postgres://r@db.example/app?sslrootcert=/etc/ca.pem&sslmode=verify-full").unwrap();
        assert_eq!(own.trust, Trust::Signed(Some(PathBuf::from("/etc/ca.pem"))));
        assert!(Address::parse("postgres://r@db.example/app?sslmode=perhaps").is_err());
        assert!(!Address::parse("secret words").unwrap_err().to_string().contains("secret words"));
    }
}
