// What becomes of the provider's answer in the address, in the order in which it can be asked for again: first all that the line may keep away,
// and what counts once at the end.

import { isForWindow, metadataOf, take } from './sign-in.js';
import { handOver } from './sign-in-window.js';

/**
 * Resolves to what finishes the sign-in, or to null where the page that began it has taken the answer. Throws a `Problem`; nothing is used up by
 * then, so it may be tried again with the same answer. `moved(place)` hears where the person was.
 */
export async function prepare(answer, { config, store, session, moved, give = handOver, describe = metadataOf }) {
  if (await isForWindow(answer, store).catch(() => false) && await give(answer)) return null;
  const metadata = await describe(config.issuer);
  return async () => {
    const pending = await take(answer, store);
    moved(pending.place);
    await session.finish({ answer, pending, metadata });
  };
}
