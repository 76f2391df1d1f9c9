//! Why a key of a JWK Set verifies no token, for whoever wonders where it has gone.

use thiserror::Error;

/// A key that is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("key {number}{}: {why}", .kid.as_ref().map_or_else(String::new, |kid| format!(" ({kid:?})")))]
pub struct UnfitKey {
    /// Its place in the set, from 1.
    pub number: usize,
    /// Its name, where it has one.
    pub kid: Option<String>,
    /// The reason.
    pub why: Unfit,
}

/// Why a key is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// A `kid` that is no text.
    #[error("its kid is not a string")]
    Kid,
    /// Whose key is meant would depend on who reads the set.
    #[error("its kid stands for keys of different types")]
    AmbiguousKid,
    /// Meant for encryption, for instance (RFC 7517, section 4.2).
    #[error("its use is not sig")]
    Use,
    /// Meant for other operations (RFC 7517, section 4.3).
    #[error("its key_ops do not hold verify")]
    Operations,
    /// Meant for an algorithm that is not taken.
    #[error("its alg is no signature that is taken")]
    Algorithm,
    /// Meant for an algorithm that keys like this cannot serve.
    #[error("its alg is not one of its type")]
    AlgorithmOfAnotherType,
    /// Another `kty` or `crv`.
    #[error("its type or its curve is not taken")]
    Type,
    /// A secret in a set of public keys.
    #[error("a shared secret, and no algorithm of shared secrets is named")]
    SharedSecret,
    /// A private key where a public one belongs.
    #[error("it holds a private part")]
    Private,
    /// A secret that could be tried out.
    #[error("a shared secret of under 32 bytes")]
    ShortSecret,
    /// Not the members that RFC 7517 and RFC 7518 ask for.
    #[error("a member is missing or of the wrong type")]
    Form,
    /// An RSA key that nobody should trust, or that is of no use.
    #[error("an RSA key needs 2,048 to 4,096 bits and an odd exponent of 3 or more, in base64url without padding")]
    Rsa,
    /// Not on its curve, of small order, or not encoded as its length asks.
    #[error("no point of its curve that can be a key, in base64url without padding")]
    Point,
}
