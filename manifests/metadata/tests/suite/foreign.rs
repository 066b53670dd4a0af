//! Keys of foreign repositories: each vector was made with another library (Python's `cryptography`).

use firstlayer_metadata::PublicKey;
use serde_json::json;

const MESSAGE: &[u8] = b"Firstlayer";
const ECDSA_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpSFBdzsazE5Bv86qBmxZ+WPD7Ejo\n\
    dWvMCaOHhEYLZ2+1rG+7/vR2hhlUAnQq0q8yi5tNY6DhGK2WpzB6lh2cHA==\n\
    -----END PUBLIC KEY-----\n";
const ECDSA_SIGNATURE: &str = "3046022100cf3df8d85d4a936f663a0ff756cd833d863c1dca31d3a027f156eb4d4b378d9a022100ca08162158291d3a5a3c098603aac3ef6a174067ec995dffb0c3ae8c69a88e71";
const RSA_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA9060v+ZK2C28NubgVYwD\n\
    RJYtBsQoVfkAlcEodIEv5LV3rAeaDievw/YuwI/gRu4Nm7XB4viJbeaQiCV9Lh9R\n\
    u0g2fgYsDhZxQ/hPA1bKSZM7PPGozTerojAKGyWo2zQZoOAfMk/YfJN3k+ahGZ3o\n\
    zEgnkg5GLaKR5Q2pT3OCxlDcEMlRhX3lt3kT7kV+FVUDjK5puw8tlum4dpqYLH2U\n\
    soMhn/Gk2sjHvpqiWgWpZLoVfJQ2bmOWz8XWxij6NF7rbe0Y3DhjItNGt+YIWH+9\n\
    w0MXzCRs8geaCcU0pMqGtME5mH142nZQmVbQNGlsezN/0BzYjF+UShsIQTUVyPEM\n\
    QwIDAQAB\n\
    -----END PUBLIC KEY-----\n";
const RSA_SIGNATURE: &str = "0683d9f352dfb065c1cb4e9b8d529aecfeb27e4fad70f61ad974ee5fe36a8aaee557acd5bc8ee7e2931819ae6c\
    012c526f548b84c2524b2d2dacc0ca577541079beb25d28340306c3cf521a5efe9885b8ef4c708a225344a01de\
    455abd8f4113bfaa4e63488ebc0f2705afc6f66f8469c0f5cc372095c0a1be0127cb6ba536351a01e1d86cbdb6\
    6ba49c5afb1221e53d5fa85ffb14a0edda9980b53a87d3c9fe698eb90135ea8df94e04d6bfdd469a993f98ff59\
    212fdf855a9f533780fa6ef15867c667b6ccffd17968547e3aa96f3e6b044b44ffca6a999ccccfaf49163d49a3\
    56bce02da4a5928d0fbd207efa96704fe9f47f9931229ff0ba205e0cef6acc";
const P384_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEDIZLGerUPXVaEEUGdUbMyZWYiDbR9WLU\n\
    49xrxgJHXH34p/uldsYFBH+pR3zfuO40hs7iC+Fp0UoYiWoZVUYpELz/4sO4DeRy\n\
    kgR+QeKvOzTKZ98T2Vt5IH16l0F2juQM\n\
    -----END PUBLIC KEY-----\n";

fn key(keytype: &str, scheme: &str, public: &str) -> PublicKey {
    let key = json!({ "keytype": keytype, "scheme": scheme, "keyval": { "public": public } });
    serde_json::from_value(key).unwrap()
}

fn assert_verifies(key: &PublicKey, signature: &str) {
    assert!(key.verifies(MESSAGE, signature));
    assert!(!key.verifies(b"firstlayer", signature));
    let flipped = signature.replacen('4', "5", 1);
    assert!(!key.verifies(MESSAGE, &flipped));
    assert!(!key.verifies(MESSAGE, ""));
}

#[test]
fn ecdsa_p256_verifies_under_its_new_and_its_old_name() {
    for keytype in ["ecdsa", "ecdsa-sha2-nistp256"] {
        assert_verifies(
            &key(keytype, "ecdsa-sha2-nistp256", ECDSA_PEM),
            ECDSA_SIGNATURE,
        );
    }
}

#[test]
fn rsa_pss_verifies() {
    assert_verifies(&key("rsa", "rsassa-pss-sha256", RSA_PEM), RSA_SIGNATURE);
}

#[test]
fn keys_whose_type_scheme_and_content_disagree_are_unusable() {
    for (keytype, scheme, public) in [
        ("ecdsa", "rsassa-pss-sha256", ECDSA_PEM),
        ("ecdsa", "ecdsa-sha2-nistp256", RSA_PEM),
        ("rsa", "rsassa-pss-sha256", ECDSA_PEM),
        ("rsa", "rsa-pkcs1v15-sha256", RSA_PEM),
        (
            "ecdsa",
            "ecdsa-sha2-nistp256",
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        ),
        ("ecdsa", "ecdsa-sha2-nistp256", ""),
    ] {
        assert!(
            !key(keytype, scheme, public).is_usable(),
            "{keytype} {scheme} {public}"
        );
    }
}

#[test]
fn a_p384_key_verifies_nothing() {
    assert!(!key("ecdsa", "ecdsa-sha2-nistp256", P384_PEM).is_usable());
}
