use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use trust_core::network::Network;

use super::trainer::{Fault, KEY, Trainer};
use crate::fine_tuning::endpoint::Endpoint;
use crate::fine_tuning::jobs::{CannotUse, Examples, Order, Step, start};
use crate::fine_tuning::service::CannotTrain;
use crate::fine_tuning::transport::Patience;
use crate::fine_tuning::waiting::{News, Watch, until_ended};
use crate::fine_tuning::{Job, Service, Standing};

const FILES: &str = "POST /files";
const JOBS: &str = "POST /fine_tuning/jobs";
const SOON: Duration = Duration::from_millis(5);

struct Bench {
    trainer: Trainer,
    folder: TempDir,
    service: Service,
}

impl Bench {
    fn new() -> Self {
        Self::with_key(KEY)
    }

    fn with_key(key: &str) -> Self {
        let (trainer, folder) = (Trainer::start(), tempfile::tempdir().unwrap());
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, key).unwrap();
        let endpoint = Endpoint {
            name: "small".to_owned(),
            base_url: trainer.url.parse().unwrap(),
            model: None,
            api_key_file: Some(key_file),
            ca_file: None,
            allowed_networks: vec![Network::parse("127.0.0.0/8").unwrap()],
        };
        let patience = Patience {
            tries: 3,
            first_wait: SOON,
            longest_wait: Duration::from_secs(2),
            answer: Duration::from_millis(700),
        };
        let service = Service::open(&endpoint, 0, patience).unwrap();
        Self { trainer, folder, service }
    }

    fn examples(&self, name: &str, count: usize) -> std::path::PathBuf {
        let line = |number: usize| {
            let (question, answer) = (format!("{name} {number}?"), format!("It is {number}."));
            json!({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})
                .to_string()
        };
        let path = self.folder.path().join(name);
        std::fs::write(&path, (0..count).map(|number| line(number) + "\n").collect::<String>()).unwrap();
        path
    }

    fn order(&self) -> Order {
        let (train, validation) = (self.examples("train", 12), self.examples("validation", 3));
        let (train, validation) = Examples::read_both(&train, Some(&validation)).unwrap();
        let (base_model, suffix) = ("small-1".to_owned(), Some("ours".to_owned()));
        Order { base_model, train, validation, suffix, epochs: Some(2) }
    }

    async fn start(&self, order: &Order) -> (Result<Job, CannotTrain>, Vec<Step>) {
        let mut steps = Vec::new();
        let job = start(&self.service, order, &mut |step| steps.push(step)).await;
        (job, steps)
    }

    fn counts(&self) -> (usize, usize) {
        self.trainer.counts()
    }
}

fn watch() -> Watch {
    let away = Duration::from_secs(5);
    Watch { first: SOON, longest: SOON, away, whole: Duration::from_secs(60) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_started_once_however_often_it_is_asked_for() {
    let bench = Bench::new();
    let order = bench.order();
    let (job, steps) = bench.start(&order).await;
    let job = job.unwrap();
    assert!(
        matches!(
            steps[..],
            [
                Step::Uploading { .. },
                Step::Uploaded { .. },
                Step::Uploading { .. },
                Step::Uploaded { .. },
                Step::Created
            ]
        ),
        "{steps:?}"
    );
    {
        let book = bench.trainer.book();
        let asked = &book.jobs[0];
        assert_eq!((&asked["model"], &asked["suffix"]), (&json!("small-1"), &json!("ours")));
        assert_eq!(asked["method"], json!({"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}));
        assert_eq!((&asked["training_file"], &asked["validation_file"]), (&json!("file-0"), &json!("file-1")));
    }
    let (again, steps) = bench.start(&order).await;
    assert_eq!((again.unwrap().id, bench.counts()), (job.id, (2, 1)));
    assert!(
        matches!(steps[..], [Step::FileWasThere { .. }, Step::FileWasThere { .. }, Step::JobWasThere]),
        "{steps:?}"
    );
    // Something else is another job on the same files.
    let other = Order { epochs: Some(3), ..order };
    bench.start(&other).await.0.unwrap();
    assert_eq!(bench.counts(), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_on_the_way_nothing_is_done_twice() {
    for fault in [
        Fault::TooMany(0),
        Fault::TooMany(1),
        Fault::Failing,
        Fault::ProxyPage,
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Slow,
        Fault::Garbage,
    ] {
        for call in [FILES, JOBS, "GET /files", "GET /fine_tuning/jobs"] {
            let bench = Bench::new();
            bench.trainer.fails(call, fault);
            let order = bench.order();
            let (job, steps) = bench.start(&order).await;
            let is_read = call.starts_with("GET");
            // A list that is no JSON is no failure of the moment.
            if let (Fault::Garbage, true, Err(error)) = (fault, is_read, &job) {
                assert!(matches!(error, CannotTrain::NotUnderstood(_)), "{error}");
                continue;
            }
            assert!(job.is_ok(), "{fault:?} of {call}: {job:?} {steps:?}");
            assert_eq!(bench.counts(), (2, 1), "{fault:?} of {call}: {steps:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_get_better_by_waiting_is_not_asked_again() {
    let bench = Bench::new();
    bench.trainer.fails(FILES, Fault::NoQuota);
    let refused = bench.start(&bench.order()).await.0.unwrap_err();
    assert!(matches!(&refused, CannotTrain::Refused { status: 429, said } if said.contains("quota")), "{refused}");
    assert_eq!((bench.trainer.calls_of(FILES), bench.counts()), (1, (0, 0)));
    // Longer than anybody waits.
    bench.trainer.fails(FILES, Fault::TooMany(3600));
    let refused = bench.start(&bench.order()).await.0.unwrap_err();
    assert!(matches!(refused, CannotTrain::Refused { status: 429, .. }), "{refused}");
    assert_eq!(bench.trainer.calls_of(FILES), 2);

    let bench = Bench::with_key("a-key-of-somebody-else");
    let refused = bench.start(&bench.order()).await.0.unwrap_err();
    assert!(matches!(refused, CannotTrain::Refused { status: 401, .. }), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("somebody-else"));
    assert_eq!(bench.trainer.book().calls.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_for_good_is_given_up() {
    let bench = Bench::new();
    for _ in 0..20 {
        bench.trainer.fails(FILES, Fault::Failing);
    }
    let (failed, steps) = bench.start(&bench.order()).await;
    assert!(matches!(failed, Err(CannotTrain::Failed { status: 500, .. })), "{failed:?}");
    assert_eq!(bench.trainer.calls_of(FILES), 3);
    assert_eq!(steps.iter().filter(|step| matches!(step, Step::LooksAgain { .. })).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_is_found_behind_many_pages_and_with_few_words() {
    let bench = Bench::new();
    bench.trainer.book().is_terse = true;
    let order = bench.order();
    let job = bench.start(&order).await.0.unwrap();
    for number in 0..7 {
        bench.trainer.has_file(&format!("other-{number}.jsonl"));
        bench.trainer.has_job();
    }
    // New ones come first, so that ours is on the last page.
    bench.trainer.book().jobs.rotate_left(1);
    bench.trainer.book().files.rotate_left(2);
    let before = bench.counts();
    assert_eq!(bench.start(&order).await.0.unwrap().id, job.id);
    assert_eq!(bench.counts(), before);
    assert!(bench.trainer.calls_of("GET /fine_tuning/jobs") >= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_failed_is_followed_to_its_end_and_does_not_stand_for_the_next() {
    let bench = Bench::new();
    bench.trainer.book().jobs_fail = Some("The training diverged");
    let order = bench.order();
    let first = bench.start(&order).await.0.unwrap();
    let ended = until_ended(&bench.service, &first.id, watch(), &mut |_| ()).await.unwrap();
    assert_eq!(ended.standing(), Standing::Ended);
    assert_eq!(ended.error.unwrap().message.unwrap(), "The training diverged");
    bench.trainer.book().jobs_fail = None;
    let second = bench.start(&order).await.0.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(bench.counts(), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_followed_and_all_that_happens_is_told_once() {
    let bench = Bench::new();
    let job = bench.start(&bench.order()).await.0.unwrap();
    // The endpoint is away for a while in between.
    for fault in [Fault::Failing; 5] {
        bench.trainer.fails("GET /fine_tuning/jobs/ftjob-0", fault);
    }
    let (mut statuses, mut events, mut away) = (Vec::new(), Vec::new(), 0);
    let mut tell = |news: News<'_>| match news {
        News::Job(job) => statuses.push(job.status.clone().unwrap()),
        News::Event(message) => events.push(message.to_owned()),
        News::Away(_) => away += 1,
    };
    let ended = until_ended(&bench.service, &job.id, watch(), &mut tell).await.unwrap();
    assert_eq!((ended.standing(), ended.trained_tokens), (Standing::Succeeded, Some(4096)));
    assert_eq!(ended.fine_tuned_model.unwrap(), "ft:small-1:org:ours:abc");
    assert_eq!(statuses, ["validating_files", "queued", "running", "running", "succeeded"]);
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[1].starts_with("Step 10/20: training loss=1.25"), "{events:?}");
    assert_eq!(away, 1, "three tries, then told, then there again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_ever() {
    let bench = Bench::new();
    let job = bench.start(&bench.order()).await.0.unwrap();
    let at_once = Watch { whole: Duration::ZERO, ..watch() };
    let now = until_ended(&bench.service, &job.id, at_once, &mut |_| ()).await.unwrap();
    assert_eq!(now.standing(), Standing::Running);
    let gone = Watch { away: Duration::ZERO, ..watch() };
    for _ in 0..9 {
        bench.trainer.fails("GET /fine_tuning/jobs/ftjob-0", Fault::CutBefore);
    }
    let failed = until_ended(&bench.service, &job.id, gone, &mut |_| ()).await;
    assert!(matches!(failed, Err(CannotTrain::NoAnswer(_))), "{failed:?}");
    for id in ["ftjob-9", "ft:job.9"] {
        assert!(matches!(bench.service.job(id).await, Err(CannotTrain::Refused { status: 404, .. })), "{id}");
    }
    for id in ["", "..", "a/b", "../files", "a?b", "a b"] {
        assert!(matches!(bench.service.job(id).await, Err(CannotTrain::NoJobId(_))), "{id}");
    }
}

#[test]
fn files_that_would_be_refused_are_not_sent() {
    let bench = Bench::new();
    let (train, few) = (bench.examples("train", 12), bench.examples("few", 9));
    assert!(matches!(Examples::read_both(&few, None), Err(CannotUse::Invalid(..))));
    assert!(matches!(Examples::read_both(&train, Some(&train)), Err(CannotUse::Shared(12))));
    assert!(matches!(Examples::read_both(&bench.folder.path().join("none"), None), Err(CannotUse::Unreadable(..))));
    assert!(Examples::read_both(&train, Some(&few)).is_ok());
    assert!(bench.trainer.book().calls.is_empty());
}
