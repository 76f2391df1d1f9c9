// Every view of the console and every screen of the watch, each looked at: in light and dark, wide and narrow.

import assert from 'node:assert/strict';

import { askForRestart, mediate, open, signIn } from '../console.mjs';
import { join } from '../joining.mjs';
import { PHONE, WATCH, ask, go } from '../watch.mjs';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/** All of the console's views, and whether this walk has made something that their lists show. */
const VIEWS = { Events: true, Incidents: false, Commands: true, Ask: false, Sessions: true, Mediations: true, Services: false, Playground: false };

/** What somebody else writes is text, whatever it looks like. A script that runs, or that the policy stops, is a problem of the page. */
const MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

export default async function walk(world) {
  const ada = await world.person('ada');
  await ada.page.goto(`${world.gateway}/console`);
  await ada.page.getByRole('button', { name: /^Sign in at / }).waitFor();
  await bothWays(ada, 'console-start');
  await signIn(ada);
  // Something to look at.
  await mediate.begin(ada, { topic: 'Who reviews whose code', with: 'ben' });
  await mediate.tell(ada, 'I wait for days until somebody looks at my code.');
  await bothWays(ada, 'console-mediation');
  await askForRestart(ada, 'the mail is late');
  await bothWays(ada, 'console-command');
  // What somebody asked for themselves, they do not approve.
  const ben = await world.person('ben');
  await signIn(ben);
  await askForRestart(ben, 'the pictures are late');
  await askForRestart(ben, MARKUP);
  await ben.page.getByText(MARKUP).first().waitFor();
  await devices(world, ada);
  await views(ada);
}

/** All that the tabs lead to; nothing of it may be left out by this walk when another view is added. */
async function views(person) {
  const { page } = person;
  const tabs = await page.getByRole('navigation', { name: 'Views' }).getByRole('link').allInnerTexts();
  assert.deepEqual(tabs, Object.keys(VIEWS));
  for (const [view, hasRows] of Object.entries(VIEWS)) {
    await open(person, view);
    await page.locator('.view > *').first().waitFor();
    await loaded(page);
    const problem = page.getByRole('alert');
    if (await problem.count() > 0) person.problems.push(`${view} opens with a problem: ${await problem.first().innerText()}`);
    await bothWays(person, `console-${view.toLowerCase()}`);
    const row = page.getByRole('region', { name: 'List' }).getByRole('listitem').getByRole('link').first();
    if (!hasRows) continue;
    await row.click();
    await page.locator('.detail h2').first().waitFor();
    await loaded(page);
    await bothWays(person, `console-${view.toLowerCase()}-one`);
  }
}

const loaded = (page) => page.getByText(/^Loading|^Asking…$/).first().waitFor({ state: 'hidden' });

async function bothWays(person, screen) {
  for (const size of [NARROW, WIDE]) {
    await person.page.setViewportSize(size);
    await person.look(screen);
  }
}

async function devices(world, person) {
  for (const [name, screen] of [['watch', WATCH], ['phone', PHONE]]) {
    const device = await world.person(name, screen);
    const { page } = device;
    await page.goto(`${world.gateway}/watch`);
    await page.getByRole('button', { name: 'Show a short code' }).waitFor();
    await device.look('watch-start');
    await join(person, device, { looked: async (what) => { if (what === 'number') await device.look('watch-number'); } });
    await device.look('watch-ask');
    await ask(device, 'How do I restart a worker?');
    await device.look('watch-answer');
    assert.equal(await ask(device, 'What did the emperor have for breakfast?'), 'The documents do not say.');
    await device.look('watch-unknown');
    await go(device, 'Alerts');
    await page.getByRole('article', { name: 'Approve restart-worker?' }).filter({ hasText: 'the pictures are late' }).waitFor();
    await page.getByText(MARKUP).first().waitFor();
    await device.look('watch-alerts');
    await go(device, 'Mediate');
    await page.getByRole('button', { name: /Who reviews whose code/ }).click();
    await page.getByRole('heading', { name: 'Who reviews whose code' }).waitFor();
    await device.look('watch-mediation');
    await page.getByRole('button', { name: 'This session' }).click();
    await page.getByText('Leave…').waitFor();
    await device.look('watch-session');
  }
}
