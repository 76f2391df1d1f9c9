//! What nobody may guess or repeat: keys, ids, verifiers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::{OsRng, RngCore as _};

/// Fresh bytes.
pub fn bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// The same as text that may stand in a URL.
pub fn text() -> String {
    URL_SAFE_NO_PAD.encode(bytes())
}
