use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::*;
use crate::metrics::ReasonLabel;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

type Received = Arc<Mutex<Vec<Span>>>;

async fn collector() -> (Url, Received) {
    let received = Received::default();
    let take = async |State(received): State<Received>, body: Bytes| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        received.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, received)
}

fn dropped(dropped: &Dropped, reason: &'static str) -> u64 {
    dropped.get_or_create(&ReasonLabel { reason }).get()
}

fn within(traceparent: &str) -> Context {
    Context::new().with_remote_span_context(parent_of(traceparent).unwrap())
}

fn of_command<'a>(traceparent: Option<&'a str>) -> CommandSpan<'a> {
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    CommandSpan {
        name: "command run",
        traceparent,
        began,
        ended: began + Duration::from_secs(9),
        id: "c-1",
        runbook: "restart",
        service: "billing",
        state: "failed",
        attempt: 1,
        failed: true,
    }
}

#[tokio::test]
async fn a_request_and_the_command_that_it_asked_for_are_one_trace() {
    let (url, received) = collector().await;
    let (traces, sending) = Traces::open(&url, None, Duration::from_secs(60), 16, &Dropped::default()).unwrap();
    let asked = traces.request(&within(PARENT), "POST", "/v1/commands");
    let kept = super::super::trace_parent::written(asked.span().span_context());
    answered(&asked, StatusCode::CREATED);
    let polled = traces.request(&Context::new(), "POST", "/v1/services/{name}/commands:lease");
    {
        let _at_work = polled.clone().attach();
        traces.command(&of_command(kept.as_deref()));
    }
    answered(&polled, StatusCode::INTERNAL_SERVER_ERROR);
    close(&traces, sending).await;
    let spans = std::mem::take(&mut *received.lock().unwrap());
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (asked, run) = (named("POST /v1/commands"), named("command run"));
    let polled = named("POST /v1/services/{name}/commands:lease");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&asked.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&asked.parent_span_id), "b7ad6b7169203331");
    assert_eq!((&run.trace_id, &run.parent_span_id), (&asked.trace_id, &asked.span_id));
    assert_eq!(run.links[0].span_id, polled.span_id, "who took it is linked");
    assert_ne!(polled.trace_id, asked.trace_id);
    assert_eq!(run.end_time_unix_nano - run.start_time_unix_nano, 9_000_000_000);
    assert_eq!([asked, run, polled].map(|span| span.status.as_ref().map_or(0, |status| status.code)), [0, 2, 2]);
}

#[tokio::test]
async fn nobody_chooses_to_leave_no_trace() {
    let (url, received) = collector().await;
    let (traces, sending) = Traces::open(&url, None, Duration::from_secs(60), 16, &Dropped::default()).unwrap();
    answered(&traces.request(&within(UNSAMPLED), "GET", "/v1/events"), StatusCode::OK);
    traces.command(&of_command(Some(UNSAMPLED)));
    close(&traces, sending).await;
    assert_eq!(received.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn spans_that_find_no_room_or_no_collector_are_counted_and_nobody_waits() {
    // Nobody listens there any more.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let count = Dropped::default();
    let (traces, sending) = Traces::open(&url, None, Duration::from_secs(60), 4, &count).unwrap();
    for _ in 0..10 {
        // The queue is not emptied meanwhile: this test has one thread and does not give it away.
        answered(&traces.request(&Context::new(), "GET", "/v1/events"), StatusCode::OK);
    }
    assert_eq!(dropped(&count, "queue_full"), 6);
    close(&traces, sending).await;
    assert_eq!(dropped(&count, "not_taken"), 4);
}
