//! What a browser is told around each page: it runs and fetches what is ours, and nothing else, whatever gets into a page.

use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// The watch looks at codes, and listens.
pub(super) const WATCH_PERMISSIONS: &str = "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()";
/// Nothing else does.
pub(super) const NO_PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";

/// `connect` are the origins, besides the own one, that the page may call.
pub(super) fn around_document(connect: &[String], permissions: &str) -> [(HeaderName, String); 8] {
    let own_and = connect.iter().fold("'self'".to_owned(), |all, origin| all + " " + origin);
    let policy = [
        "default-src 'none'",
        // Compiling wasm counts as evaluating; evaluating text does not become possible by it (CSP 3, section 6.2.6).
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        // Pictures come with a token, so they are fetched and shown from memory.
        "img-src 'self' blob: data:",
        &format!("connect-src {own_and}"),
        "manifest-src 'self'",
        "worker-src 'self'",
        "media-src 'self' blob:",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types watchgate",
    ];
    [
        (CONTENT_SECURITY_POLICY, policy.join("; ")),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (X_FRAME_OPTIONS, "DENY".to_owned()),
        // The address may hold a code of the sign-in until the page has taken it out.
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin".to_owned()),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp".to_owned()),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
        (HeaderName::from_static("permissions-policy"), permissions.to_owned()),
    ]
}
