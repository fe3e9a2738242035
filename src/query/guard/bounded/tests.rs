use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::Field;
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::SessionStateDefaults;

use super::*;

const BOUNDS: Bounds = Bounds { value: 1_000, batch: 4_000 };

fn function(name: &str) -> Arc<ScalarUDF> {
    let all = SessionStateDefaults::default_scalar_functions();
    let plain = all.into_iter().find(|function| function.name() == name).unwrap();
    bounded(&plain, BOUNDS).unwrap_or_else(|| panic!("{name} has no rule"))
}

fn call(function: &ScalarUDF, args: Vec<ColumnarValue>, rows: usize) -> Result<ColumnarValue, QueryError> {
    let fields: Vec<FieldRef> = args.iter().map(|arg| Arc::new(Field::new("x", arg.data_type(), true))).collect();
    let constants: Vec<Option<ScalarValue>> = args
        .iter()
        .map(|arg| if let ColumnarValue::Scalar(value) = arg { Some(value.clone()) } else { None })
        .collect();
    let constants: Vec<Option<&ScalarValue>> = constants.iter().map(Option::as_ref).collect();
    let known = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &constants };
    let return_field = function.return_field_from_args(known).unwrap();
    let args = ScalarFunctionArgs {
        args,
        arg_fields: fields,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    };
    function.invoke_with_args(args).map_err(|error| match error {
        DataFusionError::External(ours) => *ours.downcast::<QueryError>().unwrap(),
        other => panic!("{other}"),
    })
}

fn text(value: &str) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Utf8(Some(value.into())))
}

fn int(value: i64) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Int64(Some(value)))
}

fn is_too_large(result: Result<ColumnarValue, QueryError>) -> bool {
    matches!(result, Err(QueryError::ValueTooLarge { .. }))
}

#[test]
fn values_are_made_up_to_the_limit_and_refused_past_it() {
    let ten = "x".repeat(10);
    let hundred = "x".repeat(100);
    type Args<'a> = dyn Fn(i64) -> Vec<ColumnarValue> + 'a;
    let cases: [(&str, &Args<'_>, i64); 6] = [
        ("repeat", &|n| vec![text("x"), int(n)], 1_000),
        ("repeat", &|n| vec![text(&ten), int(n)], 100),
        ("lpad", &|n| vec![text(""), int(n)], 1_000),
        ("rpad", &|n| vec![text(""), int(n), text("ab")], 1_000),
        ("concat", &|n| vec![text(&hundred); usize::try_from(n).unwrap()], 10),
        ("range", &|n| vec![int(0), int(n - 1), int(1)], 125),
    ];
    for (name, args, limit) in cases {
        let function = function(name);
        assert!(call(&function, args(limit), 1).is_ok(), "{name} at {limit}");
        assert!(is_too_large(call(&function, args(limit + 1), 1)), "{name} past {limit}");
    }
}

#[test]
fn what_cannot_be_told_before_is_measured_after() {
    let replace = function("replace");
    let long = "ab".repeat(400);
    // 800 bytes may become 2,805; what is found decides.
    assert!(call(&replace, vec![text(&long), text("zz"), text("ccccc")], 1).is_ok());
    assert!(is_too_large(call(&replace, vec![text(&long), text("ab"), text("ccccc")], 1)));
}

#[test]
fn a_batch_is_worked_on_in_parts_that_fit() {
    let rows: Vec<String> = (0..30).map(|n| format!("{n:02}").repeat(20)).collect();
    let column = |rows: &[String]| ColumnarValue::Array(Arc::new(StringArray::from_iter_values(rows)));
    let replace = function("replace");
    let args = |rows: &[String]| vec![column(rows), text("0"), text("ooo")];
    let ColumnarValue::Array(replaced) = call(&replace, args(&rows), 30).unwrap() else { panic!("no column") };
    let wanted: Vec<String> = rows.iter().map(|row| row.replace('0', "ooo")).collect();
    let found = arrow::compute::cast(&replaced, &DataType::Utf8).unwrap();
    assert_eq!(found.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), wanted);
    // Each value fits, all together do not.
    let repeat = function("repeat");
    let counts = ColumnarValue::Array(Arc::new(Int64Array::from(vec![900; 5])));
    let error = call(&repeat, vec![text("x"), counts], 5).expect_err("4,500 bytes");
    assert!(error.to_string().contains("one batch of rows"), "{error}");
}

#[test]
fn long_comparisons_are_refused() {
    let levenshtein = function("levenshtein");
    let long = "ab".repeat(20_000);
    let error = call(&levenshtein, vec![text(&long), text(&long)], 1).expect_err("1.6 billion steps");
    assert!(matches!(error, QueryError::ValueTooSlow(_)), "{error}");
    assert!(call(&levenshtein, vec![text("kitten"), text("sitting")], 1).is_ok());
}

#[test]
fn joined_text_is_null_if_a_side_is() {
    let concat = text_concat(BOUNDS);
    let left = StringArray::from(vec![Some("a"), None, Some("")]);
    let left = arrow::compute::cast(&left, &DataType::Utf8View).unwrap();
    let args = vec![ColumnarValue::Array(left), ColumnarValue::Scalar(ScalarValue::Utf8View(Some("ż".into())))];
    let ColumnarValue::Array(joined) = call(&concat, args, 3).unwrap() else { panic!("no column") };
    assert_eq!(joined.as_string_view().iter().collect::<Vec<_>>(), [Some("aż"), None, Some("ż")]);
    let constant = call(&concat, vec![text("a"), text("b")], 1).unwrap();
    assert!(matches!(constant, ColumnarValue::Scalar(ScalarValue::Utf8View(Some(joined))) if joined == "ab"));
    assert!(is_too_large(call(&concat, vec![text(&"a".repeat(501)), text(&"b".repeat(500))], 1)));
}
