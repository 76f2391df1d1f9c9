use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use futures_util::StreamExt;
use tower::ServiceExt;
use trust_core::principal::Principal;

use super::bodies::BODIES_BYTES;
use super::*;
use crate::testing::{Answer, HOST, Stage};

async fn send(stage: &Stage, routes: Router<AppState>, method: &str, target: &str, body: Body) -> Answer {
    let token = stage.claims(method, target).sign(&stage.keys).unwrap();
    let request = Request::builder().method(method).uri(target).header("host", HOST).header("txn-token", token);
    let app = around_all(routes, &stage.state).with_state(stage.state.clone());
    Answer::of(app.oneshot(request.body(body).unwrap()).await.unwrap()).await
}

async fn panicking() -> &'static str {
    panic!("secret")
}

#[tokio::test]
async fn a_panic_is_a_problem_that_says_nothing() {
    let stage = Stage::new();
    let routes = Router::new().route("/panic", get(panicking));
    let answer = send(&stage, answering(routes, &stage.state), "GET", "/panic", Body::empty()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json["detail"].as_str()),
        (500, Some("The service made a mistake; its log says more."))
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let stage = Stage::new();
    let routes = Router::new().route("/slow", get(std::future::pending::<()>));
    let answer = send(&stage, answering(routes, &stage.state), "GET", "/slow", Body::empty()).await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("retry-after")), (503, None));
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.contains("An event whose id the client chose is safe to send again"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let stage = Stage::new();
    let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let routes = Router::new().route("/", post(|_: Bytes| async {}));
    assert_eq!(send(&stage, answering(routes, &stage.state), "POST", "/", body).await.status.as_u16(), 408);
}

#[tokio::test]
async fn a_body_without_a_declared_length_is_bounded_too() {
    let stage = Stage::new();
    let pieces = (0..17).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]));
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let routes = Router::new().route("/", post(|_: Bytes| async {}));
    assert_eq!(send(&stage, answering(routes, &stage.state), "POST", "/", body).await.status.as_u16(), 413);
}

#[tokio::test]
async fn when_all_seats_are_taken_nobody_more_may_wait_and_others_are_still_answered() {
    let stage = Stage::new();
    let seats = u32::try_from(stage.state.waiting_seats.available_permits()).unwrap();
    let _all = stage.state.waiting_seats.acquire_many(seats).await.unwrap();
    let lease = stage.post("/v1/services/tester-7/commands:lease", &serde_json::json!({})).send().await;
    assert_eq!(lease.status.as_u16(), 503);
    assert_eq!(stage.get("/v1/events").header("accept", "text/event-stream").open().await.status().as_u16(), 200);
    assert_eq!(stage.get("/v1/events").send().await.status.as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn open_routes_are_bounded_in_number_and_time() {
    let stage = Stage::new();
    let routes = Router::new().route("/slow", get(std::future::pending::<()>));
    let app = around_all(open(routes, &stage.state), &stage.state).with_state(stage.state.clone());
    let request = || Request::get("/slow").body(Body::empty()).unwrap();
    let flood =
        (0..=REQUESTS_AT_WORK).map(|_| async { Answer::of(app.clone().oneshot(request()).await.unwrap()).await });
    let answers = futures_util::future::join_all(flood).await;
    let count = |kind: &str| answers.iter().filter(|answer| answer.json["type"] == kind).count();
    let counts = ["took-too-long", "busy"].map(|name| count(&format!("urn:watchgate:problem:{name}")));
    assert_eq!(counts, [REQUESTS_AT_WORK, 1]);
}

fn body_that_never_ends() -> Body {
    Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
}

#[tokio::test]
async fn a_page_waits_for_no_body() {
    let stage = Stage::new();
    let routes = crate::routes::routes(&stage.state);
    let answer = send(&stage, routes, "GET", "/assets/lib/api.js", body_that_never_ends()).await;
    assert_eq!(answer.status.as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn devices_that_nobody_knows_hold_seats_of_one_another_alone_and_for_a_short_time() {
    let stage = Stage::new();
    let app = around_all(crate::routes::routes(&stage.state), &stage.state).with_state(stage.state.clone());
    let call = async |method: &str, target: &str, body: Body| {
        let mut claims = stage.claims(method, target);
        if target.starts_with("/v1/sessions") {
            (claims.sub, claims.rctx.iss) = (None, None);
        }
        let token = claims.sign(&stage.keys).unwrap();
        let request = Request::builder().method(method).uri(target).header("host", HOST).header("txn-token", token);
        app.clone().oneshot(request.body(body).unwrap()).await.unwrap().status().as_u16()
    };
    let began = tokio::time::Instant::now();
    let flood = (0..=REQUESTS_AT_WORK).map(|_| call("POST", "/v1/sessions:token", body_that_never_ends()));
    let others = async {
        let known = call("GET", "/v1/events", Body::empty()).await;
        (known, call("GET", "/assets/lib/api.js", Body::empty()).await)
    };
    let (flooded, others) = tokio::join!(futures_util::future::join_all(flood), others);
    let count = |status: u16| flooded.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(408), count(503), others), (REQUESTS_AT_WORK, 1, (200, 200)));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let large = Body::from(vec![b'x'; 17 * 1024]);
    assert_eq!(call("POST", "/v1/sessions:redeem", large).await, 413);
}

/// Asks for `/` of these routes as somebody, from somewhere where it is nobody.
async fn ask(stage: &Stage, routes: &Router, who: Result<&str, &str>) -> Answer {
    let mut claims = stage.claims("GET", "/");
    match who {
        Ok(subject) => claims.sub = Some(subject.to_owned()),
        Err(address) => (claims.sub, claims.rctx.iss, claims.rctx.req_ip) = (None, None, Some(address.to_owned())),
    }
    let request = Request::get("/").header("host", HOST).header("txn-token", claims.sign(&stage.keys).unwrap());
    Answer::of(routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn one_caller_has_a_share_of_the_seats_and_others_go_on() {
    let stage = Stage::new();
    let at_work = Arc::new(Semaphore::new(0));
    let working = Arc::clone(&at_work);
    let slow = get(move || {
        let working = Arc::clone(&working);
        async move { drop(working.acquire().await) }
    });
    let routes = answering(Router::new().route("/", slow), &stage.state);
    let routes = around_all(routes, &stage.state).with_state(stage.state.clone());
    let share = REQUESTS_AT_WORK / SHARE_OF_SEATS;
    // Of one network of IPv6 each has an address of its own for each request.
    let addresses: Vec<_> = (0..share + 3).map(|number| format!("2001:db8::{number:x}")).collect();
    let floods = [vec![Ok("flooding"); share + 3], addresses.iter().map(|one| Err(one.as_str())).collect()];
    for flood in floods {
        let flooded = futures_util::future::join_all(flood.into_iter().map(|who| ask(&stage, &routes, who)));
        let others = async {
            // After the flood: the seats that it can have are taken.
            tokio::task::yield_now().await;
            let others = [Ok("another"), Err("2001:db8:0:1::1"), Err("192.0.2.1")].map(|who| ask(&stage, &routes, who));
            at_work.add_permits(1);
            futures_util::future::join_all(others).await
        };
        let (flooded, others) = tokio::join!(flooded, others);
        let refused: Vec<_> = flooded.iter().filter(|answer| answer.status.as_u16() == 429).collect();
        assert_eq!(refused.len(), 3);
        for answer in refused {
            assert_eq!(answer.json["type"], "urn:watchgate:problem:too-many-at-once");
            assert_eq!(answer.headers["retry-after"], "1");
        }
        assert_eq!(others.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>(), [200; 3]);
        at_work.forget_permits(usize::MAX);
    }
    let shed = stage.state.metrics.requests_shed.get_or_create(&crate::metrics::ReasonLabel { reason: "share" }).get();
    assert_eq!(shed, 6);
}

#[tokio::test]
async fn waiting_seats_are_shared_too() {
    let stage = Stage::new();
    let lease = |who: &'static str| {
        let body = serde_json::json!({"wait_seconds": 1});
        stage.post(&format!("/v1/services/{who}/commands:lease"), &body).by(who).send()
    };
    let share = stage.state.waiting_seats.available_permits() / SHARE_OF_SEATS;
    let all = futures_util::future::join_all((0..=share).map(|_| lease("tester-7")));
    let (own, another) = tokio::join!(all, lease("tester-8"));
    let refused = own.iter().filter(|answer| answer.status.as_u16() == 429).count();
    assert_eq!((refused, another.status.as_u16()), (1, 204));
}

#[tokio::test]
async fn bodies_are_bounded_together_and_those_of_one_caller_to_a_share() {
    let stage = Stage::new();
    let room = &stage.state.room_for_bodies;
    let whole_share = |name: &str| {
        let somebody = Principal::new("https://issuer.watchgate.test", name);
        room.take_many(&Some(Requester::Principal(somebody)), BODIES_BYTES / SHARE_OF_SEATS).unwrap()
    };
    let publish = |who: &'static str| stage.post("/v1/events", &serde_json::json!({"padding": "x"})).by(who).send();
    let own = whole_share("tester-7");
    let (refused, another) = (publish("tester-7").await, publish("tester-8").await);
    assert_eq!(
        (refused.status.as_u16(), &refused.json["type"]),
        (429, &"urn:watchgate:problem:too-many-at-once".into())
    );
    assert!(![429, 503].contains(&another.status.as_u16()), "{}", another.status);
    let all = ["alder", "birch", "cedar"].map(whole_share);
    let refused = publish("tester-8").await;
    assert_eq!((refused.status.as_u16(), &refused.json["type"]), (503, &"urn:watchgate:problem:busy".into()));
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(stage.get("/v1/events").send().await.status.as_u16(), 200, "it has no body");
    drop((own, all));
    assert!(![429, 503].contains(&publish("tester-7").await.status.as_u16()));
    room.take_many(&None, BODIES_BYTES / SHARE_OF_SEATS).unwrap();
    assert!(room.is_empty(), "all of it came back");
}

#[tokio::test(start_paused = true)]
async fn when_the_service_ends_whoever_is_at_work_is_told_before_the_connection_is_cut() {
    let stage = Stage::new();
    let routes = || {
        let routes =
            Router::new().route("/slow", get(std::future::pending::<()>)).route("/", post(|_: Bytes| async {}));
        answering(routes, &stage.state)
    };
    let begun = tokio::time::Instant::now();
    let ends = async { stage.state.ending.send_replace(true) };
    let slow = send(&stage, routes(), "GET", "/slow", Body::empty());
    let (slow, half, _) = tokio::join!(slow, send(&stage, routes(), "POST", "/", body_that_never_ends()), ends);
    assert_eq!(
        (slow.status.as_u16(), slow.headers.get("retry-after")),
        (503, None),
        "whether it was done is not known"
    );
    assert_eq!((half.status.as_u16(), &half.json["type"]), (503, &"urn:watchgate:problem:ending".into()));
    assert!(half.headers.contains_key("retry-after"));
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_large_answer_holds_its_callers_seat_until_it_is_read_and_a_small_one_does_not() {
    let stage = Stage::new();
    let seats = Seats::new(2, 1);
    for (bytes, is_held) in [(200_000, true), (1000, false)] {
        let text = vec![b'x'; bytes];
        let answer = held::holding(seats.take(&"one").unwrap(), text.clone().into_response());
        assert_eq!(seats.take(&"one").is_err(), is_held, "{bytes} bytes");
        let mut pieces = answer.into_body().into_data_stream();
        let mut whole = Vec::new();
        while let Some(piece) = pieces.next().await {
            assert!(!is_held || piece.as_ref().unwrap().len() <= 32 * 1024);
            whole.extend_from_slice(&piece.unwrap());
            assert_eq!(seats.take(&"one").is_err(), is_held, "{bytes} bytes");
        }
        assert_eq!(whole, text);
        drop(pieces);
        assert!(seats.take(&"one").is_ok());
    }
    // What it is that is sent does not change.
    let openapi = stage.get("/openapi.json").open().await;
    assert!(axum::body::HttpBody::size_hint(openapi.body()).exact().is_some());
}

#[tokio::test(start_paused = true)]
async fn who_reads_a_large_answer_too_slowly_is_let_go_of() {
    let answer = held::holding((), vec![b'x'; 200_000].into_response());
    let mut pieces = answer.into_body().into_data_stream();
    pieces.next().await.unwrap().unwrap();
    tokio::time::sleep(held::WRITTEN_WITHIN).await;
    pieces.next().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(pieces.next().await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_want_of_room_comes_a_moment_later_and_another_answer_at_once() {
    let stage = Stage::new();
    let state = stage.state.clone();
    let refusing = get(move || std::future::ready(shed(&state, Shed::Seats, Problem::Busy)));
    let routes = Router::new().route("/", refusing).route("/missing", get(async || Problem::NotFound));
    let app = around_all(routes, &stage.state).with_state(stage.state.clone());
    for (target, kept_for) in [("/", refusals::AT_LEAST), ("/missing", Duration::ZERO)] {
        let begun = tokio::time::Instant::now();
        app.clone().oneshot(Request::get(target).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(begun.elapsed(), kept_for, "{target}");
    }
}
