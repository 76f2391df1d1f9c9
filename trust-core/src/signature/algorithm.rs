//! The algorithms by which a token may be signed.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The algorithms of RFC 7518, section 3.1 and RFC 8037 that are taken; `none` is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    EdDSA,
    ES256,
    ES384,
    ES512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    HS256,
    HS384,
    HS512,
}

impl Algorithm {
    /// All that are checked with a public key: what an issuer may use unless its policy names some.
    pub(crate) const WITH_PUBLIC_KEY: [Self; 10] = [
        Self::EdDSA,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
    ];

    /// All that are checked with the secret that also makes them.
    pub(crate) const WITH_SHARED_SECRET: [Self; 3] = [Self::HS256, Self::HS384, Self::HS512];

    /// The algorithm of this name, compared byte by byte.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::WITH_PUBLIC_KEY.into_iter().chain(Self::WITH_SHARED_SECRET).find(|algorithm| algorithm.name() == name)
    }

    /// Its name in a token's header.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// Whether whoever can check such a signature can also make one.
    #[must_use]
    pub(crate) fn takes_shared_secret(self) -> bool {
        self.scheme() == Scheme::Hmac
    }

    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::EdDSA => Scheme::EdDsa,
            Self::ES256 | Self::ES384 | Self::ES512 => Scheme::Ecdsa,
            Self::RS256 | Self::RS384 | Self::RS512 => Scheme::RsaPkcs1,
            Self::PS256 | Self::PS384 | Self::PS512 => Scheme::RsaPss,
            Self::HS256 | Self::HS384 | Self::HS512 => Scheme::Hmac,
        }
    }

    pub(super) fn hash(self) -> HashFunction {
        match self {
            Self::ES256 | Self::RS256 | Self::PS256 | Self::HS256 => HashFunction::Sha256,
            Self::ES384 | Self::RS384 | Self::PS384 | Self::HS384 => HashFunction::Sha384,
            Self::ES512 | Self::RS512 | Self::PS512 | Self::HS512 | Self::EdDSA => HashFunction::Sha512,
        }
    }
}

/// What an algorithm is but for its hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    RsaPkcs1,
    RsaPss,
    Ecdsa,
    EdDsa,
    Hmac,
}

/// The hash functions of these algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashFunction {
    Sha256,
    Sha384,
    Sha512,
}

impl HashFunction {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let digest = parts.iter().fold(D::new(), |digest, part| digest.chain_update(part));
            digest.finalize().to_vec()
        }
        match self {
            Self::Sha256 => of::<Sha256>(parts),
            Self::Sha384 => of::<Sha384>(parts),
            Self::Sha512 => of::<Sha512>(parts),
        }
    }
}
