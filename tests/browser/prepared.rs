//! The page as it is sent (`build/page`): that preparing it changes no token, and what it weighs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::common::{Home, TestServer};
use super::files::{files, ui};
use super::page::lex::{Kind, Token, tokens};
use super::page::print::print;
use super::page::style::{style, texts};
use super::page::{Files, module, prepare, scripts};

/// Most that all modules and styles may weigh, compressed as they are sent.
const WEIGHT_MAX: usize = 200_000;
/// Most that the journal, the first view, may weigh with all that it needs to show its first rows.
const FIRST_VIEW_MAX: usize = 60_000;

fn lexed(source: &str) -> Vec<Token> {
    tokens(source).unwrap_or_else(|(line, why)| panic!("{line}: {why}: {source}"))
}

fn words(source: &str) -> Vec<(Kind, String)> {
    lexed(source).into_iter().map(|token| (token.kind, token.text)).collect()
}

fn printed(source: &str) -> String {
    print(&lexed(source))
}

#[test]
fn tokens_are_told_apart() {
    let cases = [
        ("a / b / c", "a ¦ / ¦ b ¦ / ¦ c"),
        ("a = /b/g.test(c)", "a ¦ = ¦ /b/g ¦ . ¦ test ¦ ( ¦ c ¦ )"),
        ("return /[/\\]]/", "return ¦ /[/\\]]/"),
        ("(a) / b", "( ¦ a ¦ ) ¦ / ¦ b"),
        ("if (a) /b/.test(c)", "if ¦ ( ¦ a ¦ ) ¦ /b/ ¦ . ¦ test ¦ ( ¦ c ¦ )"),
        ("x.if (a) / b", "x ¦ . ¦ if ¦ ( ¦ a ¦ ) ¦ / ¦ b"),
        ("x.return / 2", "x ¦ . ¦ return ¦ / ¦ 2"),
        ("a[0] / i++ / 2", "a ¦ [ ¦ 0 ¦ ] ¦ / ¦ i ¦ ++ ¦ / ¦ 2"),
        ("`a${b}c`", "`a${ ¦ b ¦ }c`"),
        ("`${`${{a: 1}.a}`}`", "`${ ¦ `${ ¦ { ¦ a ¦ : ¦ 1 ¦ } ¦ . ¦ a ¦ }` ¦ }`"),
        ("`${/}/.test(a)} // no comment \\` ` / 2", "`${ ¦ /}/ ¦ . ¦ test ¦ ( ¦ a ¦ ) ¦ } // no comment \\` ` ¦ / ¦ 2"),
        ("'/* no comment */' + \"//'\"", "'/* no comment */' ¦ + ¦ \"//'\""),
        ("a?.5:b", "a ¦ ? ¦ .5 ¦ : ¦ b"),
        ("a?.b ?? c", "a ¦ ?. ¦ b ¦ ?? ¦ c"),
        ("1_000.5e-3 + 0xFF - 1n", "1_000.5e-3 ¦ + ¦ 0xFF ¦ - ¦ 1n"),
        ("#a in b; ünï", "#a ¦ in ¦ b ¦ ; ¦ ünï"),
        ("/* a */ b // c\n/d/", "b ¦ / ¦ d ¦ /"),
    ];
    for (source, expected) in cases {
        let found: Vec<String> = lexed(source).into_iter().map(|token| token.text).collect();
        assert_eq!(found.join(" ¦ "), expected, "{source}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    for (source, line, why) in [
        ("a\n'b\n", 2, "does not end on its line"),
        ("`a\n\n", 1, "never closed"),
        ("a\n/* b", 2, "never closed"),
        ("x = /a\n/", 1, "does not end on its line"),
        ("(\n]", 2, "did not open"),
        ("\n\n{", 3, "never closed"),
        ("{}\n/a/.test(b)", 2, "cannot be told"),
        ("a \\ b", 1, "not known"),
    ] {
        let (found, told) = tokens(source).expect_err(source);
        assert!(found == line && told.contains(why), "{source}: {found}: {told}");
    }
}

#[test]
fn white_space_that_means_something_stays() {
    for (source, expected) in [
        ("const a = 1;\n\n// why\nlet b;", "const a=1;let b;"),
        ("a\n++b", "a\n++b"),
        ("a + +b - -c", "a+ +b- -c"),
        ("a++ + b", "a++ +b"),
        ("return\na", "return\na"),
        ("return a // b\n  && c", "return a&&c"),
        ("x = function () {}\ny()", "x=function(){}\ny()"),
        ("a = b\n(c)", "a=b\n(c)"),
        ("`a\n  ${ b }\n`", "`a\n  ${b}\n`"),
        ("1 .toFixed()", "1 .toFixed()"),
        ("a in b", "a in b"),
        ("/a/g in b", "/a/g in b"),
        ("a / /b/.c", "a/ /b/.c"),
        ("typeof /b/", "typeof/b/"),
        ("a ? .5 : b", "a? .5:b"),
        ("f(\n  a,\n  b,\n)", "f(a,b,)"),
        ("case 'a': return 'b'", "case'a':return'b'"),
    ] {
        assert_eq!(printed(source), expected, "{source}");
        assert_eq!(words(&printed(source)), words(source), "{source}");
    }
}

#[test]
fn no_module_of_the_page_loses_a_token() {
    for (name, source) in files(&ui(), "js") {
        let (before, after) = (lexed(&source), lexed(&printed(&source)));
        assert_eq!(before.len(), after.len(), "{name}");
        for (one, other) in before.iter().zip(&after) {
            assert_eq!((one.kind, &one.text), (other.kind, &other.text), "{name}:{}", one.line);
            assert!(one.breaks || !other.breaks, "{name}:{}: a line ends that did not", one.line);
        }
    }
}

/// Tokens of an expression by chance: values between operators, with blanks of all kinds between them.
fn expression() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let prefix = prop::sample::select(vec!["", "", "", "-", "+", "!", "typeof", "void", "await", "~"]);
    let value = prop::sample::select(vec![
        "a", "b2", "$c", "1", "1.5", ".5", "0x1f", "7n", "'it\\'s'", "\"//\"", "/a[/]b/g", "/\\//", "`t`", "`/*\n*/`",
        "this",
    ]);
    let operator = prop::sample::select(vec![
        "/",
        "*",
        "+",
        "-",
        "<",
        ">",
        "%",
        "&&",
        "||",
        "??",
        "=",
        "=>",
        "in",
        "instanceof",
        ",",
        "?",
        ":",
        ";",
        "**",
        "...",
        "===",
    ]);
    let blank = || prop::sample::select(vec![" ", "\n", "\t", "/* c */", "// c 'x `\n", " /* \n */ "]);
    prop::collection::vec((prefix, value, operator, blank(), blank(), blank()), 1..20).prop_map(|all| {
        let mut found = Vec::new();
        for (prefix, value, operator, one, two, three) in all {
            found.push((prefix.to_owned(), one));
            found.push((value.to_owned(), two));
            found.push((operator.to_owned(), three));
        }
        found.retain(|(text, _)| !text.is_empty());
        found
    })
}

proptest! {
    #[test]
    fn reading_and_printing_keep_the_tokens(parts in expression()) {
        let source: String = parts.iter().map(|(text, blank)| format!("{text} {blank}")).collect();
        let expected: Vec<&str> = parts.iter().map(|(text, _)| text.as_str()).collect();
        let found = lexed(&source);
        prop_assert_eq!(found.iter().map(|token| token.text.as_str()).collect::<Vec<_>>(), expected, "{}", source);
        let printed = print(&found);
        prop_assert!(printed.len() <= source.len() && !printed.contains("c *"), "{}", printed);
        prop_assert_eq!(words(&printed), words(&source), "{}", printed);
    }
}

#[test]
fn modules_that_break_the_house_style_are_refused_by_file_and_line() {
    for (source, line, why) in [
        ("\n  import { a } from './a.js';", 2, "start of a line"),
        ("import a from './a.js';", 1, "expected"),
        ("import { a } from 'a';", 1, "path of a module"),
        ("import { a } from './a.js'\nimport './b.js';", 2, "`;`"),
        ("const a = 1;\nexport let b = 1;", 2, "behind a function"),
        ("export default 1;", 1, "behind a function"),
        ("export * from './a.js';", 1, "behind a function"),
        ("export const a = 1, b = 2;", 1, "one constant"),
        ("export const { a } = b;", 1, "the name"),
        ("x = import.meta.url;", 1, "not known"),
        ("x = () => import(a);", 1, "path of a module"),
        ("x = () => import(`./${a}.js`);", 1, "a directory"),
        ("\nif (a) b();", 2, "control flow"),
        ("const $a = 1;", 1, "kept"),
    ] {
        let told = module::read("app/x.js", source).expect_err(source);
        assert!(told.starts_with(&format!("app/x.js:{line}: ")) && told.contains(why), "{source}: {told}");
    }
}

/// A page of a few modules: its start, its first view, and others.
fn page(more: &[(&str, &str)]) -> Result<BTreeMap<String, String>, String> {
    let own = [
        ("app/main.js", "import { a } from './a.js';\nvoid import(`/app/views/${a}.js`);"),
        ("app/a.js", "export const a = 'journal';"),
        ("app/views/journal.js", "export function start() {}"),
    ];
    let all = own.iter().chain(more).map(|(path, source)| ((*path).to_owned(), (*source).to_owned()));
    scripts(&all.collect())
}

#[test]
fn a_page_whose_modules_do_not_fit_together_is_refused() {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (
            &[("app/views/journal.js", "import { b } from '../a.js';")],
            "imports b from app/a.js, which does not export it",
        ),
        (&[("app/views/journal.js", "import '../b.js';")], "app/b.js, which is not there"),
        (&[("app/views/journal.js", "void import('../b.js');")], "app/b.js, which is not there"),
        (
            &[
                ("app/a.js", "import { b } from './b.js';\nexport const a = 1;"),
                ("app/b.js", "import { a } from './a.js';\nexport const b = 1;"),
            ],
            "in a circle: app/a.js → app/b.js → app/a.js",
        ),
        (&[("app/a.js", "export const a = await b();")], "app/a.js: awaits at its top"),
        (&[("app/alone.js", "")], "app/alone.js: no module imports it"),
    ];
    for (more, why) in cases {
        let told = page(more).expect_err(why);
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn modules_go_where_they_are_needed() {
    let files = page(&[
        ("app/views/journal.js", "import { a as first } from '../a.js';\nimport * as b from '../b.js';\nexport async function start() {\n  const { late } = await import('../late.js');\n  return late(first, b.b);\n}\nexport { b as again } from '../b.js';"),
        ("app/views/sql.js", "import { b } from '../b.js';\nexport const start = () => b;\nexport class Console {}"),
        ("app/b.js", "// Why.\nexport const b = await 1;\nfunction own() {}\nexport { own as given };"),
        ("app/late.js", "import { own } from './own.js';\nexport const late = (x) => own / x;"),
        ("app/own.js", "export const own = 1;"),
    ])
    .unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["app/data.js", "app/later.js", "app/main.js", "app/shared/b.js", "app/views/journal.js", "app/views/sql.js"]
    );
    assert_eq!(
        files["app/shared/b.js"],
        "const $b=await(async()=>{const b=await 1;function own(){}\nreturn{b,given:own}})();\nexport{$b};\n"
    );
    assert_eq!(
        files["app/later.js"],
        "const $own=(()=>{const own=1;\nreturn{own}})();\nconst $late=(()=>{const{own}=$own;\nconst late=(x)=>own/x;\nreturn{late}})();\nexport{$late};\n"
    );
    let journal = &files["app/views/journal.js"];
    assert!(
        journal.contains("const{a:first}=$a;\nconst b=$b;\n")
            && journal.contains("import('/app/later.js').then((all)=>all.$late)"),
        "{journal}"
    );
    assert!(
        journal.contains("again:$b.b") && journal.ends_with("export const{again,start}=$views_journal;\n"),
        "{journal}"
    );
    assert_eq!(
        files["app/views/sql.js"],
        "import{$views_sql}from'/app/data.js';\nexport const{Console,start}=$views_sql;\n"
    );
}

#[test]
fn styles_and_texts_keep_what_they_mean() {
    for (source, expected) in [
        (
            "/* a */ .a , .b > c :hover {\n  color : red ;\n  margin: 0 -1px;\n}\n",
            ".a,.b > c :hover{color :red;margin:0 -1px}",
        ),
        (
            "@media (max-width: 10px) { a { width: calc(1px + 2px); } }",
            "@media (max-width:10px){a{width:calc(1px + 2px)}}",
        ),
        ("a::before { content: '/* {  } */'; }", "a::before{content:'/* {  } */'}"),
        (".a .b/**/.c { --x: ; background: url( a;b ) }", ".a .b .c{--x: ;background:url( a;b )}"),
    ] {
        assert_eq!(style(source).unwrap(), expected);
    }
    assert_eq!(
        texts("{ \"a b\" : \" c \\\" : \",\n \"n\": {\"one\": \"1\"} }\n").unwrap(),
        "{\"a b\":\" c \\\" : \",\"n\":{\"one\":\"1\"}}"
    );
    assert!(style("a { content: 'b }").is_err() && style("/* a").is_err() && texts("{\"a").is_err());
    for (name, source) in files(&ui(), "json") {
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parsed(&texts(&source).unwrap()), parsed(&source), "{name}");
    }
}

/// What a prepared module imports when it starts.
fn imports(text: &str) -> Vec<String> {
    let pattern = regex::Regex::new(r"(?m)^import\{[^}]*\}from'/([^']+)';$").unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Files that a server sends, as long as it sends them to a browser.
async fn weights(server: &TestServer, files: &Files) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (path, content) in files {
        let plain = server.client.get(format!("{}/{path}", server.url)).send().await.unwrap();
        assert_eq!(plain.status(), 200, "{path}");
        assert_eq!(plain.bytes().await.unwrap(), content.as_slice(), "{path}");
        let sent = server
            .client
            .get(format!("{}/{path}", server.url))
            .header("accept-encoding", "gzip, deflate, br, zstd")
            .send()
            .await
            .unwrap();
        let is_compressed = sent.headers().get("content-encoding").is_some_and(|encoding| encoding == "br");
        assert!(is_compressed || content.len() < 128, "{path} is sent as it is: {:?}", sent.headers());
        found.insert(path.clone(), sent.bytes().await.unwrap().len());
    }
    found
}

#[tokio::test]
async fn the_page_is_light() {
    let files = prepare(&ui()).unwrap();
    let server = TestServer::start_in(&Home::with_env("", &[("KRONIKA_PAGE", "compressed")]));
    let weights = weights(&server, &files).await;
    server.stop();
    let all: usize = weights
        .iter()
        .filter(|(path, _)| path.ends_with(".js") || path.ends_with(".css"))
        .map(|(_, weight)| weight)
        .sum();
    let mut first: BTreeSet<String> =
        ["index.html", "style/base.css", "style/parts.css", "style/journal.css", "style/grid.css"]
            .map(str::to_owned)
            .into();
    // The longest language.
    first.extend(["core", "journal", "fields", "words", "time", "grid"].map(|part| format!("text/ru/{part}.json")));
    let mut left = vec!["app/main.js".to_owned(), "app/views/journal.js".to_owned()];
    while let Some(name) = left.pop() {
        if first.insert(name.clone()) {
            left.extend(imports(std::str::from_utf8(&files[&name]).unwrap()));
        }
    }
    let weight: usize = first.iter().map(|name| weights[name]).sum();
    println!("all: {all} bytes; first view: {weight} bytes in {} files", first.len());
    assert!(all <= WEIGHT_MAX, "all modules and styles weigh {all} bytes, more than {WEIGHT_MAX}: {weights:?}");
    assert!(weight <= FIRST_VIEW_MAX, "the journal weighs {weight} bytes, more than {FIRST_VIEW_MAX}: {first:?}");
}

#[test]
fn preparing_again_gives_the_same() {
    let read = |path: &Path| prepare(path).unwrap();
    assert_eq!(read(&ui()), read(&ui()));
    assert!(prepare(Path::new("no/such/page")).unwrap_err().contains("no/such/page"));
}
