use super::*;

#[test]
fn every_client_route_is_the_page() {
    let page = asset("/").unwrap();
    assert_eq!(page.content_type, "text/html; charset=utf-8");
    assert!(!page.immutable);
    for path in [
        "live",
        "/search",
        "/objects/indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "/border",
        "/index.html",
        "/sign-in",
    ] {
        assert_eq!(asset(path), Some(page), "{path}");
    }
}

#[test]
fn what_is_no_file_is_nothing() {
    for path in
        ["/api/v1/session", "/nothing", "/../Cargo.toml", "/assets/", "/assets/../index.html", "//", "/searching"]
    {
        assert_eq!(asset(path), None, "{path}");
    }
}

#[test]
fn every_file_is_found_by_its_name_and_has_a_type() {
    for (name, bytes, etag) in ASSETS {
        let found = asset(name).unwrap();
        assert_eq!(found.bytes, *bytes, "{name}");
        assert_eq!(found.etag, *etag);
        assert!(etag.len() > 16 && etag.starts_with('"') && etag.ends_with('"'), "{name}: {etag}");
        assert_ne!(found.content_type, "application/octet-stream", "{name} needs a content type");
    }
}

#[test]
fn the_page_loads_nothing_inline() {
    let page = std::str::from_utf8(asset("/").unwrap().bytes).unwrap();
    assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains("<script>"), "{page}");
}

#[test]
fn the_policy_allows_own_files_only() {
    let policy = CONTENT_SECURITY_POLICY;
    assert!(policy.starts_with("default-src 'none';"));
    for loose in ["unsafe", "http:", "https:", "*", "data:", "blob:"] {
        assert!(!policy.contains(loose), "{loose}");
    }
}

#[test]
fn the_router_of_the_console_knows_the_same_routes() {
    let source = include_str!("../web/src/lib/route.ts");
    for route in CLIENT_ROUTES {
        assert!(source.contains(&format!("\"{route}\"")), "web/src/lib/route.ts does not know `{route}`");
    }
}
