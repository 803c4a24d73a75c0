//! The signature of `cluster-info`: a JWS (RFC 7515) with HS256 and its content detached, made by
//! kube-controller-manager with each bootstrap token that may sign.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

/// Whether `signature`, `<header>..<signature>`, is `content`'s, made with the token of this id and secret.
pub(super) fn is_valid(signature: &str, content: &str, id: &str, secret: &str) -> bool {
    let parts: Vec<&str> = signature.split('.').collect();
    let [header, "", code] = parts.as_slice() else { return false };
    let decoded = URL_SAFE_NO_PAD.decode(header).ok();
    let Some(Header { alg, kid }) = decoded.and_then(|h| serde_json::from_slice(&h).ok()) else {
        return false;
    };
    let Ok(code) = URL_SAFE_NO_PAD.decode(code) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(content));
    alg == "HS256" && kid == id && hmac::verify(&key, message.as_bytes(), &code).is_ok()
}

/// What kube-controller-manager writes.
#[cfg(test)]
pub(super) fn sign(content: &str, id: &str, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"HS256\",\"kid\":\"{id}\"}}"));
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(content));
    let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `cluster-info` of a cluster that kubeadm 1.36.2 made, whose token is abcdef.0123456789abcdef.
    const RECORDED: &str = include_str!("tests/cluster-info.json");

    #[test]
    fn the_signature_of_a_recorded_cluster_is_valid_for_its_token_only() {
        let recorded: serde_json::Value = serde_json::from_str(RECORDED).unwrap();
        let content = recorded["data"]["kubeconfig"].as_str().unwrap();
        let signature = recorded["data"]["jws-kubeconfig-abcdef"].as_str().unwrap();
        let valid =
            |signature: &str, content: &str| is_valid(signature, content, "abcdef", "0123456789abcdef");
        assert!(valid(signature, content));
        assert!(!is_valid(signature, content, "abcdef", "0123456789abcdee"));
        assert!(!is_valid(signature, content, "abcdeg", "0123456789abcdef"));
        assert!(!valid(signature, &content.replace("192.0.2.2", "192.0.2.9")));
        assert_eq!(
            sign(content, "abcdef", "0123456789abcdef"),
            signature,
            "what tests sign with is what signs"
        );
    }

    #[test]
    fn what_is_no_detached_hs256_is_refused() {
        let secret = "0123456789abcdef";
        let good = sign("c", "abcdef", secret);
        assert!(is_valid(&good, "c", "abcdef", secret));
        let code = good.rsplit('.').next().unwrap();
        let none = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\",\"kid\":\"abcdef\"}");
        for bad in [
            "".to_owned(),
            "..".into(),
            good.replace("..", "."),
            good.replace("..", ".Yw."),
            format!("{none}..{code}"),
            format!("{none}.."),
            format!("{good}."),
            good.replace("..", "..="),
        ] {
            assert!(!is_valid(&bad, "c", "abcdef", secret), "{bad}");
        }
    }
}
