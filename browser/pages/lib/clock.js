// The server's time. A watch or a phone may be minutes off, and then its proofs would be refused and what is fresh would look stale.

// What took longer says too little to go by its middle.
const FAST_MILLISECONDS = 2_000;

let ahead = 0;

/** Milliseconds since 1970 by the server's clock, as far as it is known. */
export const now = () => Date.now() - ahead;

/** Whether something ends within so many milliseconds, or within a share of its life where it lives for a short time. `expiresAt` null is never. */
export const endsWithin = ({ expiresAt, livesFor }, milliseconds, share) =>
  expiresAt !== null && expiresAt - now() < Math.min(milliseconds, livesFor * share);

/**
 * Learns from an answer's header `Date`, which tells whole seconds, and from when the request went out and its answer came. The server
 * wrote it somewhere in between, so an answer says between which two bounds the difference lies; a belief that is possible stays. True when the
 * time is quite another one than was believed.
 */
export function learn(date, sentAt, cameAt = Date.now()) {
  const served = Date.parse(date);
  const [least, most] = [sentAt - served - 1_000, cameAt - served];
  // What ends before it began was measured while the clock was set.
  if (!Number.isFinite(served) || cameAt < sentAt || (least <= ahead && ahead <= most)) return false;
  const before = ahead;
  // Of a slow answer the bound that makes our time the earliest: a proof may be a minute old, and not from the future.
  ahead = cameAt - sentAt > FAST_MILLISECONDS ? most : (least + most) / 2;
  return Math.abs(ahead - before) >= 2_000;
}
