//! One contract, held against both forms of the backbone; and what only replicas of a shared log can show.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod contract;
mod form;
mod histories;
mod moving;
mod replicas;

use form::Form;

macro_rules! contract {
    ($($promise:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::contract::$promise(super::Form::sqlite()).await;
            })*
        }
        mod jetstream {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::contract::$promise(super::Form::jetstream()).await;
            })*
        }
    };
}

contract! {
    what_was_answered_is_there_after_it_was_opened_again
    a_second_event_of_the_same_identity_is_the_first_one
    of_a_thousand_equal_events_at_once_one_is_kept
    a_conflict_changes_nothing_of_its_batch
    events_and_entries_change_together
    of_many_writers_with_one_revision_one_wins_and_nobody_else_suffers
    an_entry_that_has_expired_is_absent
    changes_are_told_in_order_with_what_was_removed
    lists_go_from_the_largest_key_down
    queries_match_filters_and_page_in_both_directions
    events_are_found_by_when_they_came
    a_page_of_large_events_ends_early
    whoever_is_told_of_a_position_finds_all_up_to_it
    a_batch_of_a_thousand_is_one_step
}
