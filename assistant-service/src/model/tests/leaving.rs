//! Whoever leaves while the store is still at it has taken nothing.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::*;
use crate::backbone::passed_on::passed_on;
use crate::backbone::{Backbone, BackboneError, Batch, Committed};

/// A store that has written, and says so later.
struct Late {
    backbone: Arc<dyn Backbone>,
    written: Semaphore,
    may_say_so: Semaphore,
}

impl Backbone for Late {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        async move {
            let committed = self.backbone.commit(batch).await;
            self.written.add_permits(1);
            drop(self.may_say_so.acquire().await.unwrap());
            committed
        }
        .boxed()
    }

    passed_on!(get, list, changes, query, newest_position, newest_revision, standing);
}

#[tokio::test]
async fn whoever_leaves_while_a_request_is_reserved_has_used_nothing() {
    let server = ScriptedServer::start(vec![saying("hi")]).await;
    let (stage, written, may_say_so) = (Stage::new(), Semaphore::new(0), Semaphore::new(0));
    let late = Arc::new(Late { backbone: Arc::clone(&stage.state.backbone), written, may_say_so });
    let settings = ModelsSettings::read(&format!(
        "models: [{{name: a, baseUrl: '{}', model: m, allowedNetworks: [127.0.0.0/8]}}]
budgets: {{requestsPerDay: 9}}",
        server.url()
    ));
    let backbone: Arc<dyn Backbone> = late.clone();
    let opened = OpenAiModels::open(settings.unwrap(), backbone, stage.clock.clone(), &stage.state.metrics);
    let bench = Bench { models: opened.unwrap(), stage };
    let mut pieces = bench.ask();
    tokio::select! {
        piece = pieces.next() => panic!("{piece:?}"),
        written = late.written.acquire() => written.unwrap().forget(),
    }
    spending::used(&bench, (1, 2048 + 6)).await;
    drop(pieces);
    late.may_say_so.add_permits(9);
    spending::used(&bench, (0, 0)).await;
    assert_eq!(server.count(), 0);
}
