use std::fs;

use axum::body::{Body, to_bytes};
use axum::http::{Response, StatusCode};

use super::Console;
use crate::testing::Stage;

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("console.yml");
    fs::write(&file, "issuer: https://idp.example.com\nclientId: console\n").unwrap();
    Stage::new().with_console(Console::open(&file).unwrap().unwrap())
}

async fn get(stage: &Stage, target: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let request = stage.get(target).claiming(|claims| claims.sub = None);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).open().await
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn bytes(answer: Response<Body>) -> Vec<u8> {
    to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()
}

/// Letter for letter: what is not in it is allowed to whoever gets something into a page.
fn policy(connect: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
         connect-src {connect}; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'none'; \
         frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types watchgate"
    )
}

#[tokio::test]
async fn no_page_is_shown_in_a_frame_or_reached_from_another_window() {
    let stage = stage();
    for target in ["/console", "/watch", "/watch/worker.js", "/assets/lib/api.js"] {
        let answer = get(&stage, target, &[]).await;
        let told =
            ["x-frame-options", "cross-origin-opener-policy", "referrer-policy"].map(|name| header(&answer, name));
        assert_eq!(told, ["DENY", "same-origin", "no-referrer"], "{target}");
        assert!(header(&answer, "content-security-policy").contains("; frame-ancestors 'none'; "), "{target}");
    }
}

#[tokio::test]
async fn a_page_runs_and_calls_what_is_ours_and_its_identity_provider_alone() {
    let stage = stage();
    let answer = get(&stage, "/console", &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-security-policy"), policy("'self' https://idp.example.com"));
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    let page = String::from_utf8(bytes(answer).await).unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("<script>"), "{page}");
    let answer = get(&stage, "/watch", &[]).await;
    assert_eq!(header(&answer, "content-security-policy"), policy("'self'"));
    assert!(header(&answer, "permissions-policy").contains("camera=(self)"));
    assert_eq!(header(&get(&stage, "/watch/worker.js", &[]).await, "service-worker-allowed"), "/watch");
}

#[tokio::test]
async fn a_file_comes_in_the_coding_that_is_taken_and_only_when_it_is_another_one() {
    let stage = stage();
    let plain = get(&stage, "/assets/lib/api.js", &[("accept-encoding", "gzip, br;q=0")]).await;
    assert_eq!((header(&plain, "content-encoding"), header(&plain, "cache-control")), ("", "no-cache"));
    assert_eq!(header(&plain, "content-type"), "text/javascript; charset=utf-8");
    let tag = header(&plain, "etag").to_owned();
    let compressed = get(&stage, "/assets/lib/api.js", &[("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!((header(&compressed, "content-encoding"), header(&compressed, "vary")), ("br", "accept-encoding"));
    // One tag for both codings says only that they mean the same.
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(header(&compressed, "etag"), tag);
    assert!(bytes(compressed).await.len() < bytes(plain).await.len());
    for codings in ["br;Q=0", "BR; q=0.0", "br ;q=0", "gzip", "*;q=1"] {
        let answer = get(&stage, "/assets/lib/api.js", &[("accept-encoding", codings)]).await;
        assert_eq!(header(&answer, "content-encoding"), "", "{codings}");
    }
    for codings in ["BR", "br;Q=0.5", "gzip;q=0, br; q=1"] {
        let answer = get(&stage, "/assets/lib/api.js", &[("accept-encoding", codings)]).await;
        assert_eq!(header(&answer, "content-encoding"), "br", "{codings}");
    }
    for known in [tag.clone(), tag.replace("W/", ""), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = get(&stage, "/assets/lib/api.js", &[("if-none-match", &known)]).await;
        assert_eq!((answer.status(), header(&answer, "etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
        assert!(bytes(answer).await.is_empty());
    }
    let answer = get(&stage, "/assets/lib/api.js", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_file_is_not_found() {
    let stage = stage();
    for target in ["/assets/lib", "/assets/lib/none.js", "/assets/..%2Fbuild.rs", "/assets/", "/watch/other.js"] {
        assert_eq!(get(&stage, target, &[]).await.status(), StatusCode::NOT_FOUND, "{target}");
    }
}

#[tokio::test]
async fn there_is_a_console_where_its_file_says_how_one_signs_in() {
    let answer = get(&stage(), "/console/config.json", &[]).await;
    let config: serde_json::Value = serde_json::from_slice(&bytes(answer).await).unwrap();
    assert_eq!((&config["issuer"], &config["client_id"]), (&"https://idp.example.com".into(), &"console".into()));
    for target in ["/console", "/console/config.json"] {
        assert_eq!(get(&Stage::new(), target, &[]).await.status(), StatusCode::NOT_FOUND, "{target}");
    }
}
