use clap::CommandFactory;

use super::*;

#[test]
fn arguments_are_consistent() {
    Cli::command().debug_assert();
}

/// The help is part of the contract: a change here is a change for users.
#[test]
fn help_of_every_command() {
    let mut text = String::new();
    describe(Cli::command().term_width(100), "", &mut text);
    insta::assert_snapshot!(text);
}

fn describe(mut command: clap::Command, before: &str, text: &mut String) {
    let name = format!("{before}{}", command.get_name());
    command = command.bin_name(name.clone()).version("VERSION");
    text.push_str(&format!("===== {name}\n{}\n", command.render_long_help()));
    let subcommands: Vec<_> = command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned().collect();
    for subcommand in subcommands {
        describe(subcommand.term_width(100), &format!("{name} "), text);
    }
}

#[test]
fn every_flag_has_help() {
    fn walk(command: &clap::Command, missing: &mut Vec<String>) {
        for argument in command.get_arguments() {
            if argument.get_help().is_none() {
                missing.push(format!("{} {}", command.get_name(), argument.get_id()));
            }
        }
        command.get_subcommands().for_each(|subcommand| walk(subcommand, missing));
    }
    let mut missing = vec![];
    walk(&Cli::command(), &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let cases: &[&[&str]] = &[
        &["kronika"],
        &["kronika", "import"],
        &["kronika", "import", "f", "--batch-size", "64MiB"],
        &["kronika", "import", "f", "--in-flight", "0"],
        &["kronika", "import", "f", "--delimiter", "ab"],
        &["kronika", "import", "f", "--format", "xml"],
        &["kronika", "query", "SELECT 1", "--param", "nothing"],
        &["kronika", "query", "SELECT 1", "--config", "f"],
        &["kronika", "query", "SELECT 1", "--key", "a b"],
        &["kronika", "query", "SELECT 1", "--server", "not a url"],
        &["kronika", "generate"],
        &["kronika", "generate", "--out", "-", "--start", "yesterday"],
    ];
    for arguments in cases {
        let error = Cli::try_parse_from(*arguments).expect_err(&format!("{arguments:?}"));
        assert_eq!(error.exit_code(), 2, "{arguments:?}");
    }
    for good in [&["kronika", "import", "-", "--delimiter", "\\t"][..], &["kronika", "query", "-", "-p", "a=1"]] {
        assert!(Cli::try_parse_from(good).is_ok(), "{good:?}");
    }
}
