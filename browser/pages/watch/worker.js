// Keeps the watch's own files, so that it opens without a line. Of the service's answers it keeps none: those belong to somebody.

const VERSION = '__PAGES_VERSION__';
const KEPT = `watch-${VERSION}`;

// What the first screen needs: modules of one version, which are kept together or not at all. What is loaded later is kept when it comes.
const FILES = [
  '/watch',
  ...['app.webmanifest', 'icon.svg', 'style.css', 'main.js', 'alerts.js', 'alerts-screen.js', 'ask-screen.js', 'belongings.js', 'cards.js', 'decided.js',
    'decisions.js', 'device.js', 'drafts.js', 'joining-screen.js', 'mediation.js', 'mediation-screen.js', 'owner.js', 'phrases.js', 'question.js',
    'queue.js', 'scope-words.js', 'session.js', 'times.js'].map((name) => `/assets/watch/${name}`),
  ...['api.js', 'base64url.js', 'clock.js', 'dom.js', 'dpop.js', 'keep.js', 'problem.js', 'stream.js'].map((name) => `/assets/lib/${name}`),
];

self.addEventListener('install', (event) => event.waitUntil(install()));

// A page asks for it once it has loaded all of its modules; until then the earlier worker gives them, or there would be some of each version.
self.addEventListener('message', ({ data }) => { if (data === 'take over') self.skipWaiting(); });

/** Fetches the whole set. Where the service was replaced meanwhile it may be of two versions, and is not taken; the browser asks again later. */
async function install() {
  const kept = await caches.open(KEPT);
  await kept.addAll(FILES.map((file) => new Request(file, { cache: 'no-cache' })));
  const served = await fetch('/watch/worker.js', { cache: 'no-store' }).then((response) => response.text());
  if (served.includes(`'${VERSION}'`)) return;
  await caches.delete(KEPT);
  throw new Error('another version is served already');
}

self.addEventListener('activate', (event) => {
  const old = (names) => names.filter((name) => name.startsWith('watch-') && name !== KEPT);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const isOurs = origin === self.location.origin && (pathname === '/watch' || pathname.startsWith('/assets/'));
  if (event.request.method === 'GET' && isOurs) event.respondWith(answer(event, pathname));
});

/** Of the set what was kept when this worker came: a page is of one version. All else is what the service has, or what was kept of it. */
async function answer(event, pathname) {
  const kept = await caches.open(KEPT);
  const isOfSet = FILES.includes(pathname);
  const known = await kept.match(pathname, { ignoreVary: true });
  if (isOfSet && known) return known;
  const fetching = fetch(event.request, { cache: 'no-cache' });
  if (isOfSet) return fetching;
  // Where there is no room for it the page still has it.
  event.waitUntil(fetching.then((response) => (response.ok ? kept.put(pathname, response.clone()) : null)).catch(() => null));
  return fetching.then((response) => (response.ok || !known ? response.clone() : known), (problem) => { if (known) return known; throw problem; });
}
