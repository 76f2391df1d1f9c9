use std::collections::BTreeSet;

use crate::{PAGES, find};

/// What a page may take before somebody can use it, all its files compressed.
const FIRST_SCREEN_BYTES: usize = 60_000;

#[test]
fn every_file_is_found_by_its_name_and_comes_out_of_its_compressed_form() {
    assert!(PAGES.len() > 5, "{} files", PAGES.len());
    for page in PAGES {
        assert!(std::ptr::eq(find(page.name).unwrap(), page), "{}", page.name);
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &*page.brotli, &mut plain).unwrap();
        assert_eq!(plain, page.bytes, "{}", page.name);
    }
    for missing in ["", "console", "console/", "../Cargo.toml", "lib/api.js/"] {
        assert!(find(missing).is_none(), "{missing}");
    }
}

#[test]
fn scripts_know_the_version() {
    for page in PAGES.iter().filter(|page| page.name.ends_with(".js")) {
        assert!(!text(page.name).contains("__PAGES_VERSION__"), "{}", page.name);
    }
    assert!(version().bytes().all(|byte| byte.is_ascii_hexdigit()) && version().len() == 16, "{}", version());
}

/// What the watch's worker names its store by.
fn version() -> &'static str {
    text("watch/worker.js").split("VERSION = '").nth(1).unwrap().split('\'').next().unwrap()
}

/// Every file that a page needs before it can do anything: what its HTML names, and what scripts import at their top.
fn needed_by(page: &str) -> BTreeSet<String> {
    let mut needed = BTreeSet::from([page.to_owned()]);
    let mut unread = named_by_html(text(page));
    while let Some(name) = unread.pop() {
        if needed.insert(name.clone()) && name.ends_with(".js") {
            unread.extend(imported(&name, text(&name)));
        }
    }
    needed
}

#[test]
fn first_screens_are_small_and_name_only_what_is_there() {
    for page in PAGES.iter().filter(|page| page.name.ends_with("/index.html")) {
        let needed = needed_by(page.name);
        let bytes: usize =
            needed.iter().map(|name| find(name).unwrap_or_else(|| panic!("{name} is not there")).brotli.len()).sum();
        println!("{}: {bytes} bytes of {FIRST_SCREEN_BYTES} in {} files", page.name, needed.len());
        assert!(bytes <= FIRST_SCREEN_BYTES, "{}: {bytes} bytes in {needed:?}", page.name);
    }
}

fn text(name: &str) -> &'static str {
    std::str::from_utf8(find(name).unwrap_or_else(|| panic!("{name} is not there")).bytes).unwrap()
}

fn named_by_html(html: &str) -> Vec<String> {
    html.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Imports of static form alone: `import(…)` waits until somebody wants it.
fn imported(importer: &str, script: &str) -> Vec<String> {
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    let statements = script.split(';').filter(|statement| {
        let statement = statement.trim_start();
        statement
            .lines()
            .any(|line| line.starts_with("import ") || line.starts_with("export ") || line.starts_with("} from "))
            && statement.contains("from '")
            || statement.starts_with("import '")
    });
    let sources = statements.filter_map(|statement| statement.split('\'').nth(1));
    sources.filter(|source| source.starts_with('.')).map(|source| joined(folder, source)).collect()
}

fn joined(folder: &str, source: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').collect();
    for part in source.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn imports_are_found() {
    let script = "// say\nimport { a } from '../lib/a.js';\nimport {\n  b,\n} from './b.js';\nexport const later = () => import('./c.js');\n";
    assert_eq!(imported("watch/main.js", script), ["lib/a.js", "watch/b.js"]);
    assert_eq!(named_by_html(r#"<link href="/assets/w/s.css"><script src="/assets/w/m.js">"#), ["w/s.css", "w/m.js"]);
}
