//! What is refused before anybody is asked.

use serde_json::Value;

use crate::stage::{Stage, challenge};

#[tokio::test]
async fn what_is_no_single_opaque_token_is_refused_without_a_question() {
    let stage = Stage::good().await;
    let long = format!("Bearer {}", "a".repeat(16 * 1024 + 1));
    for (lines, status, said) in [
        (&["Bearer abc", "Bearer abc"][..], 400, ""),
        (&["Bearer a.b.c", "Bearer abc"], 400, ""),
        (&["Basic YTpi", "Bearer abc"], 400, ""),
        (&["Bearer abc", ""], 400, ""),
        (&[], 401, r#"Bearer realm="watchgate""#),
        (&["Basic YTpi"], 401, r#"Bearer realm="watchgate""#),
        (&["Bearerabc"], 401, r#"Bearer realm="watchgate""#),
        (&["Bearer\tabc"], 401, r#"Bearer realm="watchgate""#),
        (&["Bearer"], 401, r#"Bearer realm="watchgate", error="invalid_token""#),
        (&["Bearer a b"], 401, r#"Bearer realm="watchgate", error="invalid_token""#),
        (&["Bearer a,b"], 401, r#"Bearer realm="watchgate", error="invalid_token""#),
        (&["bearer eyJhbGciOiJub25lIn0.e30."], 401, r#"Bearer realm="watchgate", error="invalid_token""#),
        (&["dpop a.b.c"], 401, r#"DPoP realm="watchgate", error="invalid_token", algs="ES256 EdDSA RS256""#),
        (&[&long], 401, r#"Bearer realm="watchgate", error="invalid_token""#),
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("authorization", *line)).collect();
        let answer = stage.forward(&headers).await;
        let shown: Vec<_> = lines.iter().map(|line| line.get(..20).unwrap_or(line)).collect();
        assert_eq!((answer.status().as_u16(), challenge(&answer)), (status, said), "{shown:?}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(answer.headers().get("authorization").is_none());
        let problem: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(problem["status"], status);
    }
    assert_eq!(stage.questions(), 0);
}

#[tokio::test]
async fn a_provider_that_is_not_configured_is_not_found() {
    let stage = Stage::good().await;
    for path in ["/v1/exchange/other", "/v1/exchange/", "/v1/exchange", "/"] {
        assert_eq!(stage.get(path).await.status(), 404, "{path}");
    }
}
