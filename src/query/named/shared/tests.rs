//! Who waits gets the answer of a run that began after they asked, and no older one.

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use super::*;

fn request(given: &[(&str, &str)]) -> Request {
    let given: Vec<_> = given.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Request::new(&ProjectName::default_project(), "q", &given, None)
}

async fn kept(value: i64) -> Kept {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![value]))]).expect("one column");
    Kept::of(batch)
}

#[test]
fn the_order_of_parameters_does_not_matter_that_of_values_does() {
    assert_eq!(request(&[("a", "1"), ("b", "2")]), request(&[("b", "2"), ("a", "1")]));
    assert_ne!(request(&[("a", "1"), ("a", "2")]), request(&[("a", "2"), ("a", "1")]));
    let shared = Shared::default();
    let one = shared.slot(request(&[]));
    assert!(Arc::ptr_eq(&one, &shared.slot(request(&[]))));
    assert!(!Arc::ptr_eq(&one, &shared.slot(request(&[("a", "1")]))));
    drop(one);
    assert_eq!(shared.0.lock().values().filter(|slot| slot.strong_count() > 0).count(), 0);
}

#[tokio::test]
async fn those_who_came_during_a_run_share_the_next_one() {
    let slot = Slot::default();
    let early = slot.begun();
    let place = slot.wait().await;
    assert!(place.answer_after(early).is_none());
    let run = place.begin();
    // Two come while it runs; what is stored meanwhile must be in their answer.
    let (second, third) = (slot.begun(), slot.begun());
    place.keep(run, kept(1).await);
    let place = slot.wait().await;
    assert!(place.answer_after(early).is_some(), "who came before the run may have its answer");
    assert!(place.answer_after(second).is_none(), "who came during the run may not");
    let run = place.begin();
    place.keep(run, kept(2).await);
    assert!(slot.wait().await.answer_after(third).is_some());
}

#[tokio::test]
async fn when_a_run_fails_the_next_in_line_runs() {
    let slot = Slot::default();
    let waiting = slot.begun();
    let place = slot.wait().await;
    place.begin();
    drop(place);
    assert!(slot.wait().await.answer_after(waiting).is_none());
}
