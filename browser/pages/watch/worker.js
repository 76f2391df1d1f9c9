// Keeps the watch's own files, so that it opens without a line. Of the service's answers it keeps none: those belong to somebody.

const VERSION = '__PAGES_VERSION__';
const KEPT = `watch-${VERSION}`;
const PATIENCE_MILLISECONDS = 3_000;
// A page is many files, one behind the other. After one that took too long, nobody waits for each of the next ones again.
const SLOW_FOR_MILLISECONDS = 10_000;

// What the first screen needs. What is loaded later is kept when it comes.
const FILES = [
  '/watch',
  ...['app.webmanifest', 'icon.svg', 'style.css', 'main.js', 'alerts.js', 'alerts-screen.js', 'ask-screen.js', 'decisions.js', 'device.js', 'drafts.js',
    'joining-screen.js', 'mediation.js', 'mediation-screen.js', 'phrases.js', 'queue.js', 'session.js', 'times.js'].map((name) => `/assets/watch/${name}`),
  ...['api.js', 'base64url.js', 'clock.js', 'dom.js', 'dpop.js', 'keep.js', 'problem.js', 'stream.js'].map((name) => `/assets/lib/${name}`),
];

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FILES.map((file) => new Request(file, { cache: 'no-cache' })))).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const old = (names) => names.filter((name) => name.startsWith('watch-') && name !== KEPT);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const isOurs = origin === self.location.origin && (pathname === '/watch' || pathname.startsWith('/assets/'));
  if (event.request.method === 'GET' && isOurs) event.respondWith(answer(event, pathname));
});

let slowAt = -SLOW_FOR_MILLISECONDS;

/** What the service has; what is kept, when that takes too long or cannot be reached. */
async function answer(event, pathname) {
  const kept = await caches.open(KEPT);
  const known = await kept.match(pathname);
  const fetching = fetch(event.request, { cache: 'no-cache' });
  // Where there is no room for it the page still has it.
  event.waitUntil(fetching.then((response) => (response.ok ? kept.put(pathname, response.clone()) : null)).catch(() => null));
  const coming = fetching.then((response) => response.clone());
  if (!known) return coming;
  const patience = performance.now() - slowAt < SLOW_FOR_MILLISECONDS ? 0 : PATIENCE_MILLISECONDS;
  const late = new Promise((resolve) => { setTimeout(resolve, patience, null); });
  const came = await Promise.race([coming.catch(() => known), late]);
  if (came === null) slowAt = performance.now();
  return came?.ok ? came : known;
}
