//! A secret that the source gave and the next run needs, kept where anybody may look: sealed with what only the job knows.

use crate::error::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

fn key(secret: &str) -> Option<LessSafeKey> {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    UnboundKey::new(&AES_256_GCM, digest.as_ref()).ok().map(LessSafeKey::new)
}

/// Seals `text`; nonce, cipher text and tag as base64.
pub(super) fn close(text: &str, secret: &str) -> Result<String> {
    let failed = || Error::bug("a refresh token could not be sealed");
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
    let mut sealed = text.as_bytes().to_vec();
    let key = key(secret).ok_or_else(failed)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .map_err(|_| failed())?;
    Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
}

/// The sealed text; none where another secret sealed it.
pub(super) fn open(sealed: &str, secret: &str) -> Option<String> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, cipher) = bytes.split_at_checked(NONCE_LEN)?;
    let mut cipher = cipher.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = key(secret)?.open_in_place(nonce, Aad::empty(), &mut cipher).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_opens_it() {
        let sealed = close("rotated", "client-secret").unwrap();
        assert!(!sealed.contains("rotated"));
        assert_eq!(open(&sealed, "client-secret").as_deref(), Some("rotated"));
        assert_eq!(open(&sealed, "another"), None);
        assert_eq!(open("no base64!", "client-secret"), None);
    }
}
