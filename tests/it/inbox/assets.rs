//! What pages refer to: fetched once, compressed, and asked for again only where its name never changes.

use crate::harness::TestServer;
use crate::harness::page::between;

#[test]
fn style_and_script_are_compressed_and_kept_for_good_under_names_that_change_with_them() {
    let server = TestServer::start();
    let browser = server.approver("ada").browser();
    let page = browser.page("/");
    let found = ["href=\"/assets/", "src=\"/assets/"].iter().flat_map(|attribute| between(&page, attribute, "\""));
    let found = found.map(|file| format!("/assets/{file}")).collect::<Vec<_>>();
    assert!(
        found.iter().any(|path| path.ends_with(".css")) && found.iter().any(|path| path.ends_with(".js")),
        "{found:?}"
    );
    for path in found {
        let plain = browser.get(&path).expect(200);
        assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable", "{path}");
        assert!(!plain.headers.contains_key("content-encoding"), "{path}");
        for (accepted, is_compressed) in
            [("gzip, br", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("br", false)]
        {
            // What is compressed is no text: its headers say enough.
            let answer = browser.send("HEAD", &path, &[("accept-encoding", accepted)], None).expect(200);
            assert_eq!(answer.headers.contains_key("content-encoding"), is_compressed, "{path} {accepted}");
            assert_eq!(answer.headers["vary"], "accept-encoding");
        }
    }
    browser.get("/assets/inbox.000000000000.js").expect(404);
    browser.get("/assets/inbox.js").expect(404);
}

#[test]
fn what_keeps_its_name_is_sent_again_only_where_it_has_changed() {
    let server = TestServer::start();
    let anonymous = server.anonymous();
    for path in ["/icon.svg", "/manifest.webmanifest", "/push.js"] {
        let first = anonymous.get(path).expect(200);
        assert_eq!(first.headers["cache-control"], "no-cache", "{path}");
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let again = anonymous.try_send("GET", path, &[("if-none-match", &tag)], None).unwrap();
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        let other = anonymous.try_send("GET", path, &[("if-none-match", "\"other\"")], None).unwrap();
        assert_eq!(other.status, 200, "{path}");
    }
}
