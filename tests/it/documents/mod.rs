//! The documents are true: their links lead somewhere, their examples run, and their tables say what the program does.

mod commands;
mod links;
mod proxies;
mod requests;
mod rules;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A Markdown file of the repository, taken apart.
struct Document {
    /// From the root of the repository.
    path: PathBuf,
    blocks: Vec<Block>,
    headings: Vec<String>,
    links: Vec<String>,
    /// What stands between backticks.
    code: Vec<String>,
    /// The rows of all tables, without the lines that part them.
    rows: Vec<Vec<String>>,
}

/// A fenced block of code.
struct Block {
    language: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document: those of the top level, of `docs` and of `migrations`.
fn documents() -> Vec<Document> {
    let mut found = markdown_in(root());
    let mut folders = vec![root().join("docs"), root().join("migrations")];
    while let Some(folder) = folders.pop() {
        found.extend(markdown_in(&folder));
        folders.extend(entries(&folder).into_iter().filter(|path| path.is_dir()));
    }
    assert!(found.len() > 20, "{found:?}");
    found.iter().map(|path| Document::read(path)).collect()
}

fn document(path: &str) -> Document {
    Document::read(&root().join(path))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn markdown_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

impl Document {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_owned();
        let (blocks, headings, links, code) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut document = Self { path, blocks, headings, links, code, rows: Vec::new() };
        let (mut heading, mut block, mut cell) = (None::<String>, None::<Block>, None::<String>);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading {
                    level: HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3, ..
                }) => {
                    heading = Some(String::new());
                }
                Event::End(TagEnd::Heading(_)) => document.headings.extend(heading.take()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    block = Some(Block { language: language.to_string(), text: String::new() });
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Start(Tag::TableHead | Tag::TableRow) => document.rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => cell = Some(String::new()),
                Event::End(TagEnd::TableCell) => {
                    document.rows.last_mut().unwrap().push(cell.take().unwrap());
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.to_string());
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    document.links.extend(html.split(" src=\"").skip(1).map(|rest| before_quote(rest).to_owned()));
                }
                Event::Text(text) => {
                    for part in [heading.as_mut(), block.as_mut().map(|block| &mut block.text), cell.as_mut()] {
                        part.into_iter().for_each(|part| part.push_str(&text));
                    }
                }
                Event::Code(code) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&code));
                    cell.iter_mut().for_each(|cell| *cell += &format!("`{code}`"));
                    document.code.push(code.to_string());
                }
                Event::Start(_)
                | Event::End(_)
                | Event::InlineMath(_)
                | Event::DisplayMath(_)
                | Event::FootnoteReference(_)
                | Event::SoftBreak
                | Event::HardBreak
                | Event::Rule
                | Event::TaskListMarker(_) => {}
            }
        }
        document
    }

    fn blocks_in<'d>(&'d self, language: &'d str) -> impl Iterator<Item = &'d str> {
        self.blocks.iter().filter(move |block| block.language == language).map(|block| block.text.as_str())
    }
}

fn before_quote(text: &str) -> &str {
    text.split('"').next().unwrap_or_default()
}

/// What stands between backticks in a cell of a table.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
