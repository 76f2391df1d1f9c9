//! What a backbone that stands before another one hands on as it is: tests stand there to see or to decide what happens when.

/// The named methods of [`Backbone`](super::Backbone), each by the field `backbone`.
macro_rules! passed_on {
    ($($method:ident),+ $(,)?) => { $($crate::backbone::passed_on::passed_on!(@ $method);)+ };
    (@ get) => {
        fn get(
            &self,
            bucket: &'static str,
            key: String,
        ) -> futures_util::future::BoxFuture<'_, Result<Option<$crate::backbone::Entry>, $crate::backbone::BackboneError>> {
            self.backbone.get(bucket, key)
        }
    };
    (@ list) => {
        fn list(
            &self,
            bucket: &'static str,
            before: Option<String>,
            limit: u32,
        ) -> futures_util::future::BoxFuture<'_, Result<Vec<$crate::backbone::Entry>, $crate::backbone::BackboneError>> {
            self.backbone.list(bucket, before, limit)
        }
    };
    (@ changes) => {
        fn changes(
            &self,
            bucket: &'static str,
            after: $crate::backbone::Revision,
            limit: u32,
        ) -> futures_util::future::BoxFuture<'_, Result<Vec<$crate::backbone::Change>, $crate::backbone::BackboneError>> {
            self.backbone.changes(bucket, after, limit)
        }
    };
    (@ query) => {
        fn query(
            &self,
            filter: $crate::backbone::EventFilter,
        ) -> futures_util::future::BoxFuture<'_, Result<$crate::backbone::Page, $crate::backbone::BackboneError>> {
            self.backbone.query(filter)
        }
    };
    (@ newest_position) => {
        fn newest_position(&self) -> tokio::sync::watch::Receiver<$crate::backbone::Position> {
            self.backbone.newest_position()
        }
    };
    (@ newest_revision) => {
        fn newest_revision(&self) -> tokio::sync::watch::Receiver<$crate::backbone::Revision> {
            self.backbone.newest_revision()
        }
    };
    (@ standing) => {
        fn standing(&self) -> tokio::sync::watch::Receiver<$crate::backbone::Standing> {
            self.backbone.standing()
        }
    };
}

pub(crate) use passed_on;
