// The line goes and comes back: what is asked and approved meanwhile goes out then, once; what is shown says how old it is; and the page opens
// without a line.

import assert from 'node:assert/strict';

import { askForRestart, signIn, succeeded } from '../console.mjs';
import { join } from '../joining.mjs';
import { WATCH, go } from '../watch.mjs';

export default async function walk(world) {
  const ada = await world.person('ada');
  const ben = await world.person('ben');
  const watch = await world.person('ada-watch', WATCH);
  const { page, context } = watch;
  await Promise.all([signIn(ada), signIn(ben)]);
  await join(ada, watch);
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await askForRestart(ben, 'the mail is late');
  await go(watch, 'Alerts');
  const card = page.getByRole('article', { name: 'Approve restart-worker?' });
  await card.waitFor();

  await context.setOffline(true);
  watch.expect('ERR_INTERNET_DISCONNECTED');
  await page.getByText(/^As of \d\d:\d\d$/).waitFor({ timeout: 60_000 });
  const approvals = counted(watch, /\/approval$/);
  await card.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Approved, waiting for the line').waitFor();
  await watch.look('watch-waiting');
  await go(watch, 'Ask');
  await page.getByRole('textbox', { name: 'Your question' }).fill('How do I restart a worker?');
  await page.getByRole('textbox', { name: 'Your question' }).press('Enter');
  await page.getByText('Waiting for the line…').waitFor();

  await context.setOffline(false);
  await page.getByRole('region', { name: 'Answer' }).locator('.said').waitFor();
  await succeeded(ben);
  assert.equal(approvals.answered, 1, 'the approval was answered more than once');

  // Opened anew without a line: from what the worker has kept, with what was seen last.
  await askForRestart(ben, 'and again');
  await go(watch, 'Alerts');
  await page.getByRole('article', { name: 'Approve restart-worker?' }).filter({ hasText: 'and again' }).waitFor();
  await context.setOffline(true);
  await page.reload();
  await go(watch, 'Alerts');
  await page.getByRole('article', { name: 'Approve restart-worker?' }).filter({ hasText: 'and again' }).waitFor();
  await page.getByText(/^As of \d\d:\d\d$/).waitFor();
  await watch.look('watch-stale');

  // Approved without a line, and opened anew before it is back: it goes out then, and that is said.
  await page.getByRole('article', { name: 'Approve restart-worker?' }).filter({ hasText: 'and again' }).getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Approved, waiting for the line').waitFor();
  await page.reload();
  await go(watch, 'Alerts');
  await page.getByText('Approved, waiting for the line').waitFor();
  await context.setOffline(false);
  await page.getByRole('article', { name: 'restart-worker' }).getByText('Approved', { exact: true }).waitFor();
  await succeeded(ben);
  await page.getByText(/^As of \d\d:\d\d$/).waitFor({ state: 'detached', timeout: 60_000 });
  assert.equal(approvals.answered, 2, 'an approval went out more than once');
}

/** Counts the answers to such requests. */
function counted({ context }, path) {
  const count = { answered: 0 };
  context.on('response', (response) => { if (path.test(new URL(response.url()).pathname)) count.answered += 1; });
  return count;
}
