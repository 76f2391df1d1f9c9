// What a device says of itself, so that its person knows it in a list: at most 80 characters, never what would tell two of one kind apart.

const SYSTEMS = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/CrOS/, 'ChromeOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']];
const BROWSERS = [[/SamsungBrowser/, 'Samsung Internet'], [/Firefox|FxiOS/, 'Firefox'], [/Edg/, 'Edge'], [/OPR/, 'Opera'], [/Chrome|CriOS/, 'Chrome'], [/Safari/, 'Safari']];

/** Such as `Watch, Chrome on Android`. */
export function wordsOf({ userAgent, width, height }) {
  const named = (pairs) => pairs.find(([pattern]) => pattern.test(userAgent))?.[1];
  const size = Math.max(width, height);
  const kind = size <= 500 ? 'Watch' : size <= 1_000 ? 'Phone' : 'Computer';
  return `${kind}, ${[named(BROWSERS), named(SYSTEMS)].filter(Boolean).join(' on ') || 'unknown browser'}`;
}

/**
 * The handle in a code's text, when the code leads to this very gateway; else null. Another one's would be redeemed there, and whoever
 * has made it would see what is asked here.
 */
export function handleIn(text, origin) {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return url.origin === origin && url.pathname === '/watch' && url.hash.length > 1 ? url.hash.slice(1) : null;
}
