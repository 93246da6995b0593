//! JSON web tokens signed with RS256 (RFC 7515, RFC 7518 §3.3).

use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

/// The claims, signed with a PEM private key (PKCS #8 or PKCS #1).
pub(super) fn rs256(claims: &serde_json::Value, pem: &str) -> Result<String> {
    let pair = key_pair(pem)?;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| Error::bug("a token request could not be signed"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn key_pair(pem: &str) -> Result<RsaKeyPair> {
    // Environment variables often hold the key on one line.
    let pem = pem.replace("\\n", "\n");
    let wrong = |why: &str| {
        Error::usage(format!("the private key {why}"))
            .help("it must be an RSA key of 2048 bits or more in PEM, without pass phrase, from BEGIN to END line")
    };
    let body: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).map_err(|_| wrong("is no PEM"))?;
    if pem.contains("BEGIN RSA PRIVATE KEY") {
        return RsaKeyPair::from_der(&der).map_err(|error| wrong(&format!("is refused ({error})")));
    }
    if !pem.contains("BEGIN PRIVATE KEY") {
        return Err(wrong("has no BEGIN PRIVATE KEY line"));
    }
    RsaKeyPair::from_pkcs8(&der).map_err(|error| wrong(&format!("is refused ({error})")))
}
