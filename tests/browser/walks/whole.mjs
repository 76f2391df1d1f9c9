// What a person with a watch lives through: from a code on a screen to an answer, an approval that a service acts on, an alert of a console, a
// settled quarrel, and the end of it. Ada is at her desk and has a watch; Ben is somebody else.

import assert from 'node:assert/strict';

import { askForRestart, mediate, open, signIn, succeeded } from '../console.mjs';
import { join } from '../joining.mjs';
import { WATCH, ask, go } from '../watch.mjs';

const TOPIC = 'Who reviews whose code';

export default async function walk(world) {
  const figures = {};
  const ada = await world.person('ada');
  await signIn(ada);
  const watch = await world.person('ada-watch', WATCH);
  await join(ada, watch, { looked: (what) => (what === 'code' ? ada.look('console-code') : watch.look('watch-number')) });

  const answer = await ask(watch, 'How do I restart a worker?');
  assert.match(answer, /worker/i);
  assert.ok(answer.length <= 120, `${answer.length} characters: ${answer}`);
  await watch.look('watch-answer');

  const ben = await world.person('ben');
  await signIn(ben);
  figures.approved_to_succeeded_ms = await approve(ben, watch);
  await alert(watch);
  await explain(ada);
  await settle(ben, watch);
  figures.revoked_to_out_ms = await revoke(ada, watch);
  return figures;
}

/** Ben asks for a restart, Ada's watch approves it, and the service does it. Resolves to the milliseconds from the tap to its end. */
async function approve(ben, watch) {
  const reason = 'the mail is late';
  await askForRestart(ben, reason);
  await go(watch, 'Alerts');
  const card = watch.page.getByRole('article', { name: 'Approve restart-worker?' }).filter({ hasText: reason });
  await card.waitFor();
  for (const told of ['ben', 'sample-service', 'mailer']) assert.match(await card.innerText(), new RegExp(told));
  await watch.look('watch-approval');
  const began = Date.now();
  await card.getByRole('button', { name: 'Approve' }).click();
  await watch.page.getByRole('article', { name: 'restart-worker' }).getByText('Approved').waitFor();
  await watch.look('watch-approved');
  await succeeded(ben);
  const took = Date.now() - began;
  await ben.page.getByLabel('Result').getByText('new_pid').waitFor();
  await ben.look('console-command');
  return took;
}

/** Consoles of a lab got a bad build. */
async function alert(watch) {
  const incident = watch.page.getByRole('article', { name: 'Incident' }).filter({ hasText: '2026.' });
  await incident.waitFor({ timeout: 120_000 });
  assert.match(await incident.innerText(), /on 3 devices since build 2026\.11\.3.*roll-back-build/s);
  await incident.scrollIntoViewIfNeeded();
  await watch.look('watch-incident');
}

/** The same at the desk: drawn, and with what the documents say. */
async function explain(ada) {
  await open(ada, 'Incidents');
  const { page } = ada;
  await page.getByRole('list', { name: 'Incidents' }).getByRole('link').first().click();
  const plot = page.getByRole('region', { name: 'Incident' }).getByRole('img');
  await plot.waitFor();
  assert.ok(await plot.evaluate(async (image) => { await image.decode(); return image.naturalWidth > 100; }), 'the plot is not drawn');
  await ada.look('console-incident');
}

/** Ben begins at the console, Ada goes along on her watch. */
async function settle(ben, watch) {
  await mediate.begin(ben, { topic: TOPIC, with: 'ada' });
  await mediate.tell(ben, 'Ada writes novels, and my physician forbids it.');
  await mediate.share(ben, 'I get reviews late in the evening.');

  await go(watch, 'Mediate');
  const { page } = watch;
  await page.getByRole('button', { name: new RegExp(TOPIC) }).click();
  await page.getByRole('textbox', { name: 'Your side' }).fill('Ben is lazy; I have an offer of Zephyrion.');
  await watch.look('watch-account');
  await page.getByRole('button', { name: 'Tell', exact: true }).first().click();
  await page.getByText('Say it otherwise').click();
  await page.getByRole('textbox', { name: 'In other words' }).fill('I wish for earlier reviews.');
  await page.getByRole('button', { name: 'Share mine' }).click();
  await page.getByText('I get reviews late in the evening.').waitFor();
  assert.doesNotMatch(await page.locator('main').innerText(), /physician|novels/);
  await watch.look('watch-together');
  await page.getByText('Propose one').click();
  await page.getByRole('textbox', { name: 'What you agree on' }).fill('Reviews before six.');
  await page.getByRole('button', { name: 'Propose', exact: true }).click();
  await page.getByText('ben may accept it').waitFor();

  await mediate.accept(ben, 'Reviews before six.');
  assert.doesNotMatch(await ben.page.locator('main').innerText(), /Zephyrion|lazy/);
  await ben.look('console-mediation');
  await go(watch, 'Mediate');
  await page.getByRole('heading', { name: 'Agreed' }).waitFor();
}

/** Ada ends the session at her desk. Resolves to the milliseconds from her click until the watch says so. */
async function revoke(ada, watch) {
  // A watch looks for what comes while its alerts are open, and hears of the end as soon as its stream does.
  await go(watch, 'Alerts');
  await open(ada, 'Sessions');
  await ada.page.getByRole('list', { name: 'Sessions' }).getByRole('link').first().click();
  await ada.page.getByRole('button', { name: 'Revoke' }).click();
  for (const [status, path] of [[401, '/v1/'], [400, '/v1/sessions:token']]) watch.expect(status, path);
  const over = watch.page.getByText('This session is over.').first().waitFor().then(() => Date.now());
  const button = ada.page.getByRole('button', { name: 'Yes, revoke' });
  await button.waitFor();
  const began = Date.now();
  await button.click();
  const took = (await over) - began;
  await watch.look('watch-over');
  const kept = await watch.page.evaluate(async () => (await indexedDB.databases()).length && new Promise((resolve, reject) => {
    const request = indexedDB.open('watchgate');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const keys = request.result.transaction('kept').objectStore('kept').getAllKeys();
      keys.onsuccess = () => resolve(keys.result.filter((name) => name.startsWith('watch.')));
    };
  }));
  assert.deepEqual(kept, [], 'the watch has kept something of a session that is over');
  return took;
}
