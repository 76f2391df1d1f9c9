// The server's time. A watch or a phone may be minutes off, and then its proofs would be refused and what is fresh would look stale.

let ahead = 0;
let isKnown = false;

/** Milliseconds since 1970 by the server's clock, as far as it is known. */
export const now = () => Date.now() - ahead;

/**
 * Learns from an answer's header `Date`, which tells whole seconds, and from when the request went out and its answer came. A
 * difference below two seconds is the line's, not the clock's. True when the time is another one than was believed.
 */
export function learn(date, sentAt, cameAt = Date.now()) {
  const served = Date.parse(date);
  if (!Number.isFinite(served)) return false;
  const off = (sentAt + cameAt) / 2 - (served + 500);
  // A slow answer says little once something better is known.
  if (isKnown && cameAt - sentAt > 2_000) return false;
  const before = ahead;
  isKnown = true;
  ahead = Math.abs(off) < 2_000 ? 0 : off;
  return Math.abs(ahead - before) >= 2_000;
}
