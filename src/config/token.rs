//! Bootstrap tokens, `abcdef.0123456789abcdef`: an id that may be seen and a secret that may not.

/// The characters of a token.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The two halves of a well-formed token.
pub fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let well_formed = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| ALPHABET.contains(&b));
    (well_formed(id, 6) && well_formed(secret, 16)).then_some((id, secret))
}

/// A new random token.
///
/// # Errors
/// When the system has no randomness to give.
pub(crate) fn generate() -> Result<String, NoRandomness> {
    let mut token = String::with_capacity(23);
    while token.len() < 23 {
        if token.len() == 6 {
            token.push('.');
        }
        let mut byte = [0u8];
        aws_lc_rs::rand::fill(&mut byte).map_err(|_| NoRandomness)?;
        let [byte] = byte;
        // Bytes past the last whole multiple of 36 would favour the first characters.
        if let (true, Some(c)) = (byte < 252, ALPHABET.get(usize::from(byte % 36))) {
            token.push(char::from(*c));
        }
    }
    Ok(token)
}

/// The system's source of randomness failed.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub(crate) struct NoRandomness;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_well_formed_and_differ() {
        let (a, b) = (generate().unwrap(), generate().unwrap());
        assert!(split(&a).is_some() && a != b);
        for bad in [
            "",
            "abcdef",
            "UPPER.0123456789abcdef",
            "abcdef.0123456789abcde",
            "abcdef.0123456789abcdefg",
            "abcde_.0123456789abcdef",
        ] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
