// Two replicas of the service: a session that one offers is redeemed at the other, and when a replica is killed that a watch listens to, the
// watch goes on at the other one.

import assert from 'node:assert/strict';

import { askForRestart, signIn } from '../console.mjs';
import { join } from '../joining.mjs';
import { PHONE, ask, go } from '../watch.mjs';

// What a line says that breaks off, or leads to somebody who is not there any more.
const BROKEN = [502, 503, 504, 'ERR_HTTP2_PROTOCOL_ERROR', 'ERR_INCOMPLETE_CHUNKED_ENCODING'];

export default async function walk(world) {
  const [ada, watch] = [await world.person('ada'), await world.person('ada-watch', PHONE)];
  const [offered, redeemed] = [answeredBy(ada, '/v1/sessions'), answeredBy(watch, '/v1/sessions:redeem')];
  await at(ada, 0);
  await at(watch, 1);
  await signIn(ada);
  await join(ada, watch);
  assert.deepEqual([[...offered], [...redeemed]], [['0'], ['1']], 'who offered, and who redeemed');
  assert.match(await ask(watch, 'How do I restart a worker?'), /worker/i);

  await go(watch, 'Alerts');
  const listening = watch.page.waitForResponse((response) => new URL(response.url()).searchParams.get('type') === 'dev.watchgate.*');
  await watch.page.evaluate(() => { dispatchEvent(new Event('online')); });
  assert.equal((await listening).headers()['x-answered-by'], '1', 'who tells the watch what happens');
  await watch.page.getByText('Nothing needs you.').waitFor();
  // From here on whoever is there may answer; the stream is where it is.
  await watch.context.setExtraHTTPHeaders({});
  for (const status of BROKEN) watch.expect(status);
  process.kill(world.replicas[1], 'SIGKILL');
  const ben = await world.person('ben');
  await at(ben, 0);
  await signIn(ben);
  await askForRestart(ben, 'after the kill');
  await watch.page.getByRole('article', { name: 'Approve restart-worker?' }).filter({ hasText: 'after the kill' }).waitFor();
  await watch.page.getByText(/^As of /).waitFor({ state: 'detached' });
}

/** Which replica answers this person. */
const at = ({ context }, index) => context.setExtraHTTPHeaders({ 'x-replica': String(index) });

/** Who has answered requests for this path, as they say themselves. */
function answeredBy({ context }, path) {
  const who = new Set();
  context.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname === path) who.add(response.headers()['x-answered-by']);
  });
  return who;
}
