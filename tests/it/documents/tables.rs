//! Tables of the reference: nothing is missing from them, and nothing is in them that is not there.

use std::collections::BTreeSet;

use clap::CommandFactory;
use countersign::cli::Cli;
use countersign::domain::audit::Event;
use countersign::domain::enums::Role;
use countersign::domain::query::FIELDS;
use countersign::domain::tools::Profiles;
use serde_json::json;

use super::{Document, document, quoted};
use crate::harness::TestServer;

/// The quoted texts of one column of every table.
fn column(document: &Document, number: usize) -> impl Iterator<Item = &str> {
    document.rows.iter().filter_map(move |row| row.get(number)).flat_map(|cell| quoted(cell))
}

#[test]
fn the_page_of_tool_profiles_has_every_built_in_one_as_it_is() {
    let page = document("docs/reference/tool-profiles.md");
    let profiles = page.rows.iter().skip_while(|row| row[0] != "tools").skip(1);
    let listed = profiles.map(|row| {
        let quotes = |cell: usize| quoted(&row[cell]).into_iter().map(str::to_owned).collect::<Vec<_>>();
        (quotes(0), quotes(2), quotes(3), quotes(4))
    });
    let built_in = Profiles::built_in().iter().map(|profile| {
        let free = profile.free().iter().map(ToString::to_string).collect();
        let names = profile.names().map(str::to_owned).collect::<Vec<_>>();
        let texts = profile.subject().iter().filter(|pointer| profile.read_at(pointer) != profile.read());
        let texts = texts.flat_map(|pointer| [pointer.to_string(), profile.read_at(pointer).to_string()]);
        let read = std::iter::once(profile.read().to_string()).chain(texts).collect();
        (names, read, free, vec![profile.view().to_string()])
    });
    assert_eq!(listed.collect::<Vec<_>>(), built_in.collect::<Vec<_>>());
}

#[test]
fn the_configuration_lists_every_flag_of_serve_with_its_variable() {
    let configuration = document("docs/reference/configuration.md");
    let listed = configuration.rows.iter().filter(|row| row.len() == 4 && row[0] != "flag");
    let listed =
        listed.map(|row| (quoted(&row[0])[0].to_owned(), quoted(&row[1])[0].to_owned())).collect::<BTreeSet<_>>();
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags = serve.get_arguments().filter(|argument| argument.get_long() != Some("help"));
    let flags = flags.map(|argument| {
        let variable = argument.get_env().map_or("none", |variable| variable.to_str().unwrap()).to_owned();
        (format!("--{}", argument.get_long().unwrap()), variable)
    });
    assert_eq!(listed, flags.collect());
}

#[test]
fn the_configuration_lists_the_defaults_as_they_are() {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    for row in document("docs/reference/configuration.md").rows.iter().filter(|row| row.len() == 4 && row[0] != "flag")
    {
        let flag = quoted(&row[0])[0].trim_start_matches("--").to_owned();
        let argument = serve.get_arguments().find(|argument| argument.get_long() == Some(&flag)).unwrap();
        if let [default] = argument.get_default_values()
            && !flag.starts_with("allow-self")
        {
            assert_eq!(row[2].trim_matches('`'), default.to_str().unwrap(), "{flag}");
        }
    }
}

#[test]
fn the_page_of_finding_has_every_field_as_it_is() {
    let page = document("docs/guide/finding.md");
    let rows = page.rows.iter().skip_while(|row| row[0] != "field").skip(1);
    let listed: Vec<(String, String)> = rows.map(|row| (row[0].clone(), row[1].clone())).collect();
    let fields = FIELDS.map(|(field, compares)| (format!("`{field}:`"), compares.to_owned()));
    assert_eq!(listed, fields);
}

#[test]
fn the_api_describes_every_call_that_the_server_answers() {
    let api = document("docs/reference/api.md");
    let interface = TestServer::start().anonymous().get("/openapi.json").expect(200).body;
    let calls = interface["paths"].as_object().unwrap().iter().flat_map(|(path, operations)| {
        operations.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let missing = calls.filter(|call| !api.code.contains(call)).collect::<Vec<_>>();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_api_names_every_member_of_every_body() {
    let api = document("docs/reference/api.md");
    let shown = api.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n");
    let interface = TestServer::start().anonymous().get("/openapi.json").expect(200).body;
    let mut missing = BTreeSet::new();
    for (schema, description) in interface["components"]["schemas"].as_object().unwrap() {
        for member in description["properties"].as_object().into_iter().flat_map(|members| members.keys()) {
            let is_named =
                api.code.iter().any(|code| code.split(['"', ' ', ':', ',', '{', '}']).any(|word| word == member));
            if !is_named && !shown.contains(&format!("\"{member}\"")) {
                missing.insert(format!("{schema}.{member}"));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn the_error_codes_list_every_one_that_the_interface_names() {
    let errors = document("docs/reference/errors.md");
    let interface = TestServer::start().anonymous().get("/openapi.json").expect(200).body;
    let operations =
        interface["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let responses = operations.flat_map(|operation| operation["responses"].as_object().unwrap());
    let refusals =
        responses.filter(|(status, _)| status.starts_with('4')).map(|(_, response)| &response["description"]);
    let named = refusals.flat_map(|description| quoted(description.as_str().unwrap())).collect::<BTreeSet<_>>();
    assert!(named.len() > 10);
    let missing = named.into_iter().filter(|code| !column(&errors, 1).any(|listed| listed == *code));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn the_api_names_every_event() {
    let api = document("docs/reference/api.md");
    let listed = column(&api, 1).filter(|name| name.contains('.')).collect::<BTreeSet<_>>();
    assert_eq!(listed, Event::ALL.iter().map(|event| event.as_str()).collect());
}

#[test]
fn the_api_lists_the_columns_of_every_view() {
    let server = TestServer::start();
    let api = document("docs/reference/api.md");
    let views = api.rows.iter().filter(|row| row[0].starts_with("`v_")).collect::<Vec<_>>();
    for row in &views {
        let view = quoted(&row[0])[0];
        let columns = server.sql(&format!("SELECT name FROM pragma_table_info('{view}')"));
        assert_eq!(columns.concat(), quoted(&row[2]).into_iter().map(|name| json!(name)).collect::<Vec<_>>(), "{view}");
    }
    let count = server.sql("SELECT count(*) FROM sqlite_schema WHERE type = 'view'");
    assert_eq!(count, [[json!(views.len())]]);
}

#[test]
fn the_metrics_are_called_as_the_document_says() {
    let server = TestServer::start();
    let auditor = server.client("auditor", Role::Auditor);
    auditor.get("/readyz").expect(200);
    let metrics = auditor.get("/metrics").expect(200).text;
    let watching = document("docs/operations/watching.md");
    let names = column(&watching, 0).filter(|name| name.starts_with("countersign_")).collect::<Vec<_>>();
    assert!(names.len() >= 10);
    let missing = names.iter().filter(|name| !metrics.contains(**name)).collect::<Vec<_>>();
    assert_eq!(missing, Vec::<&&str>::new());
    let described = metrics.lines().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(described, names.len(), "{metrics}");
}
