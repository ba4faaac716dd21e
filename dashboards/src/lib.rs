//! What people look at: the files of the web console, embedded, with what an HTTP server must say about each.
//!
//! The sources are in `web/`; `make console` builds them. Architecture invariant: there is no private route; all that the
//! console shows comes from the public REST interface.

#[cfg(test)]
mod tests;

/// The files: path without leading slash, bytes, entity tag with its quotes. Sorted by path.
static ASSETS: &[(&str, &[u8], &str)] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// First parts of the paths that the console's own router knows; `web/src/lib/route.ts` has the same list.
const CLIENT_ROUTES: &[&str] = &["live", "search", "objects", "publish", "border", "quarantine", "sensors", "sign-in"];

/// The page of every client route.
const INDEX: &str = "index.html";

/// The policy that every page and asset of the console is served with. Only own files load; no page frames the console; no
/// script makes markup from text (Svelte's own template policy excepted).
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// One file of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its content.
    pub bytes: &'static [u8],
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `ETag`, quotes included: it changes when the content does.
    pub etag: &'static str,
    /// Its name carries a digest of its content, so it may be kept for ever; everything else must be asked for again.
    pub immutable: bool,
}

/// The file at `path` of a request (leading slash or not, no query). A path of the console's own router is the one page;
/// none if the console has no such file.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let name = if is_client_route(path) { INDEX } else { path };
    let at = ASSETS.binary_search_by(|(known, _, _)| (*known).cmp(name)).ok()?;
    let (name, bytes, etag) = *ASSETS.get(at)?;
    Some(Asset { bytes, content_type: content_type(name), etag, immutable: name.starts_with("assets/") })
}

fn is_client_route(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    path.is_empty() || CLIENT_ROUTES.contains(&first)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
