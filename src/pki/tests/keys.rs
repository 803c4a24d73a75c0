use proptest::prelude::*;

use super::*;
use crate::pki::pem_text::{self, PemError};

#[test]
fn openssl_accepts_every_key_and_writes_it_the_same() {
    let Some(openssl) = Openssl::new() else { return };
    for algorithm in KeyAlgorithm::ALL {
        let key = key(algorithm);
        let pem = key.to_pem().unwrap();
        openssl.write("key.pem", pem.as_bytes());
        let (check, rewrite, label) = match key.key_type() {
            KeyType::Rsa { .. } => ("rsa -check", "rsa -traditional", "-----BEGIN RSA PRIVATE KEY-----\n"),
            _ => ("ec -check", "ec", "-----BEGIN EC PRIVATE KEY-----\n"),
        };
        openssl.run(&format!("{check} -noout -in key.pem"));
        assert!(pem.as_str().starts_with(label), "{algorithm}");
        assert_eq!(openssl.run(&format!("{rewrite} -in key.pem")), pem.as_str(), "{algorithm}");
        assert_eq!(openssl.run("pkey -pubout -in key.pem"), key.public_key_pem(), "{algorithm}");
        assert_eq!(key.key_type().to_string(), algorithm.name());
    }
}

#[test]
fn reads_every_form_that_openssl_writes() {
    let Some(openssl) = Openssl::new() else { return };
    for (make, label, key_type) in [
        ("genrsa -traditional -out k 2048", "RSA PRIVATE KEY", KeyType::Rsa { bits: 2048 }),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out k",
            "PRIVATE KEY",
            KeyType::Rsa { bits: 2048 },
        ),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2056 -out k",
            "PRIVATE KEY",
            KeyType::Rsa { bits: 2056 },
        ),
        ("ecparam -name prime256v1 -genkey -out k", "EC PARAMETERS", KeyType::EcdsaP256),
        ("ecparam -name secp384r1 -genkey -noout -out k", "EC PRIVATE KEY", KeyType::EcdsaP384),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k", "PRIVATE KEY", KeyType::EcdsaP256),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out k", "PRIVATE KEY", KeyType::EcdsaP384),
        ("ecparam -name secp521r1 -genkey -noout -out k", "EC PRIVATE KEY", KeyType::EcdsaP521),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out k", "PRIVATE KEY", KeyType::EcdsaP521),
    ] {
        openssl.run(make);
        let text = openssl.read("k");
        assert!(text.starts_with(format!("-----BEGIN {label}-----").as_bytes()), "{make}");
        let key = PrivateKey::from_pem(&text).unwrap_or_else(|error| panic!("{make}: {error}"));
        assert_eq!(key.key_type(), &key_type, "{make}");
        assert_eq!(openssl.run("pkey -pubout -in k"), key.public_key_pem(), "{make}");
        let spki = openssl.pipe("pkey -pubin -outform DER", key.public_key_pem().as_bytes());
        let digest = String::from_utf8(openssl.pipe("dgst -sha256 -r", &spki)).unwrap();
        assert_eq!(key.spki_sha256(), format!("sha256:{}", digest.split(' ').next().unwrap()), "{make}");
    }
}

#[test]
fn refuses_with_the_reason() {
    let Some(openssl) = Openssl::new() else { return };
    let unsupported = |found: &str| KeyError::Unsupported { found: found.to_owned() };
    let no_key =
        |found: &[&str]| KeyError::NoPrivateKey { found: found.iter().map(|s| s.to_string()).collect() };
    for (make, expected) in [
        ("ecparam -name secp224r1 -genkey -noout -out k", unsupported("ECDSA-P224")),
        (
            "ecparam -name secp256k1 -genkey -noout -out k",
            unsupported("ECDSA on curve the algorithm 1.3.132.0.10"),
        ),
        (
            "ecparam -name prime256v1 -genkey -noout -param_enc explicit -out k",
            unsupported("ECDSA with explicit curve parameters"),
        ),
        ("genpkey -algorithm ED25519 -out k", unsupported("Ed25519")),
        ("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out k", unsupported("RSA-PSS")),
        ("genpkey -algorithm X25519 -out k", unsupported("the algorithm 1.3.101.110")),
        ("genrsa -aes128 -passout pass:secret -out k 2048", KeyError::Encrypted),
        ("genrsa -traditional -aes128 -passout pass:secret -out k 2048", KeyError::Encrypted),
        ("ecparam -name prime256v1 -out k", no_key(&["EC PARAMETERS"])),
        ("genrsa -traditional -out k 1024", KeyError::ShortRsa),
    ] {
        openssl.run(make);
        assert_eq!(PrivateKey::from_pem(&openssl.read("k")).unwrap_err(), expected, "{make}");
    }
}

#[test]
fn refuses_files_without_a_whole_key() {
    let pem = key(KeyAlgorithm::Rsa2048).to_pem().unwrap();
    let text = pem.as_str();
    let error = |text: &str| PrivateKey::from_pem(text.as_bytes()).unwrap_err();
    assert_eq!(error(""), KeyError::NoPrivateKey { found: vec![] });
    assert_eq!(error(&text[..text.len() / 2]), KeyError::Pem(PemError::Truncated));
    assert_eq!(error(&text.replace("\nM", "\n!")), KeyError::Pem(PemError::Damaged));
    let certificate = ca("kubernetes", &new_key()).to_pem();
    assert_eq!(error(&certificate), KeyError::NoPrivateKey { found: vec!["CERTIFICATE".to_owned()] });
    assert!(error(&certificate).to_string().contains("only CERTIFICATE"));
    // Whole PEM around half a key, and a key under another kind's label.
    let short = pem_text::encode("RSA PRIVATE KEY", &[0x30, 0x82, 4, 0xa4, 2, 1, 0]);
    assert!(matches!(error(&short), KeyError::Invalid { kind: "RSA", .. }));
    let swapped = text.replace("RSA PRIVATE", "EC PRIVATE");
    assert!(matches!(error(&swapped), KeyError::Invalid { kind: "ECDSA", .. }), "{}", error(&swapped));
    let pkcs1_as_pkcs8 = text.replace("RSA PRIVATE", "PRIVATE");
    assert!(matches!(error(&pkcs1_as_pkcs8), KeyError::Invalid { .. }), "{}", error(&pkcs1_as_pkcs8));
}

#[test]
fn debug_shows_no_key() {
    let key = key(KeyAlgorithm::Rsa2048);
    assert_eq!(format!("{key:?}"), "PrivateKey(RSA-2048, ..)");
    assert_eq!(format!("{:?}", key.to_pem().unwrap()), "PrivateKeyPem(..)");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(PrivateKey::from_pem(&bytes).is_err());
        prop_assert!(Bundle::from_pem(&bytes).is_err());
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "CERTIFICATE"] {
            let text = pem_text::encode(label, &bytes);
            prop_assert!(PrivateKey::from_pem(text.as_bytes()).is_err());
            prop_assert!(Bundle::from_pem(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0..2000_usize, byte: u8) {
        let pems = [
            key(KeyAlgorithm::EcdsaP384).to_pem().unwrap().as_str().to_owned(),
            key(KeyAlgorithm::Rsa2048).to_pem().unwrap().as_str().to_owned(),
            ca("kubernetes", key(KeyAlgorithm::EcdsaP256)).to_pem(),
        ];
        for pem in pems {
            let block = &pem_text::blocks(pem.as_bytes()).unwrap()[0];
            let mut der = block.contents().to_vec();
            let at = at % der.len();
            der[at] = byte;
            let text = pem_text::encode(block.tag(), &der);
            let _ = (PrivateKey::from_pem(text.as_bytes()), Bundle::from_pem(text.as_bytes()));
        }
    }
}
