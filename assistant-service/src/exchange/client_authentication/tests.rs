use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use super::*;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://idp.example.com";

fn file(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn fields(proof: &Proof) -> Vec<(&str, &str)> {
    proof.fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn a_secret_is_what_its_file_holds_without_the_last_new_line_and_is_read_each_time() {
    let secret = file("hush hush\n");
    let basic = ClientMethod::SecretBasic { secret_file: secret.path().to_owned() };
    let post = ClientMethod::SecretPost { secret_file: secret.path().to_owned() };
    let proof = basic.proof("gw", ISSUER, NOW).unwrap();
    let ClientAuthentication::Basic { client_id, client_secret } = &proof.authentication else { panic!("no Basic") };
    assert_eq!((client_id.as_str(), client_secret.as_str(), proof.fields.len()), ("gw", "hush hush", 0));

    std::fs::write(secret.path(), "other").unwrap();
    let proof = post.proof("gw", ISSUER, NOW).unwrap();
    assert!(matches!(proof.authentication, ClientAuthentication::None));
    assert_eq!(fields(&proof), [("client_id", "gw"), ("client_secret", "other")]);

    std::fs::write(secret.path(), "\n").unwrap();
    assert!(matches!(post.proof("gw", ISSUER, NOW), Err(CannotAuthenticate::NoSecret(_))));
    let missing = ClientMethod::SecretPost { secret_file: "/nowhere/secret".into() };
    assert!(matches!(missing.proof("gw", ISSUER, NOW), Err(CannotAuthenticate::Unreadable { .. })));
}

/// A key of each kind in PEM, and what verifies its signatures.
fn keys() -> Vec<(AssertionAlgorithm, String, DecodingKey)> {
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use rsa::pkcs8::EncodePrivateKey;
    use rsa::traits::PublicKeyParts;

    let ec = rcgen::KeyPair::generate().unwrap();
    // The x and y of the uncompressed point behind its first byte.
    let point = &ec.public_key_raw()[1..];
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let ec_public = DecodingKey::from_ec_components(&encode(&point[..32]), &encode(&point[32..])).unwrap();
    let rsa = rsa::RsaPrivateKey::new(&mut rand_core::OsRng, 2048).unwrap();
    let rsa_pem = rsa.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let rsa_public =
        DecodingKey::from_rsa_components(&encode(&rsa.n().to_bytes_be()), &encode(&rsa.e().to_bytes_be())).unwrap();
    let ed = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let ed_public = DecodingKey::from_ed_components(&encode(ed.public_key_raw())).unwrap();
    vec![
        (AssertionAlgorithm::Es256, ec.serialize_pem(), ec_public),
        (AssertionAlgorithm::Rs256, rsa_pem.clone(), rsa_public.clone()),
        (AssertionAlgorithm::Ps256, rsa_pem, rsa_public),
        (AssertionAlgorithm::EdDsa, ed.serialize_pem(), ed_public),
    ]
}

#[test]
fn an_assertion_of_each_algorithm_is_for_one_provider_and_one_minute() {
    for (algorithm, pem, public) in keys() {
        let key = file(&pem);
        let key_id = Some("k1".to_owned());
        let method = ClientMethod::PrivateKeyJwt { key_file: key.path().to_owned(), algorithm, key_id };
        let proof = method.proof("gw", ISSUER, NOW).unwrap();
        let found = fields(&proof);
        assert_eq!(found[..2], [("client_id", "gw"), ("client_assertion_type", ASSERTION_TYPE)]);
        let mut validation = Validation::new(algorithm.algorithm());
        validation.validate_exp = false;
        validation.set_audience(&[ISSUER]);
        let token = jsonwebtoken::decode::<Value>(found[2].1, &public, &validation).unwrap();
        assert_eq!(token.header.kid.as_deref(), Some("k1"));
        assert_eq!((&token.claims["iss"], &token.claims["sub"]), (&json!("gw"), &json!("gw")));
        assert_eq!((&token.claims["iat"], &token.claims["exp"]), (&json!(NOW), &json!(NOW + 60)));
        let again = method.proof("gw", ISSUER, NOW).unwrap();
        assert_ne!(fields(&again)[2], found[2], "each has an identifier of its own");

        let other =
            if algorithm == AssertionAlgorithm::EdDsa { AssertionAlgorithm::Rs256 } else { AssertionAlgorithm::EdDsa };
        let wrong = ClientMethod::PrivateKeyJwt { key_file: key.path().to_owned(), algorithm: other, key_id: None };
        assert!(matches!(wrong.proof("gw", ISSUER, NOW), Err(CannotAuthenticate::NoKey(_))));
    }
}

#[test]
fn a_certificate_goes_with_the_connection_and_the_name_with_the_form() {
    let (certificate, key) = (file("CERT"), file("KEY"));
    let method = ClientMethod::Tls { certificate_file: certificate.path().to_owned(), key_file: key.path().to_owned() };
    assert_eq!(*method.identity().unwrap().unwrap().0, b"CERT\nKEY");
    assert_eq!(fields(&method.proof("gw", ISSUER, NOW).unwrap()), [("client_id", "gw")]);
    let secret = ClientMethod::SecretPost { secret_file: key.path().to_owned() };
    assert!(secret.identity().unwrap().is_none());
}
