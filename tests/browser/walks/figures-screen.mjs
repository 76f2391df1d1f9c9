// How soon pages are of use, with a processor of a quarter of this one's speed.

import { signIn } from '../console.mjs';
import { join } from '../joining.mjs';
import { WATCH, isIn } from '../watch.mjs';

const THROTTLING = 4;
const QUESTION = 'How do I restart a worker?';

export default async function walk(world) {
  const bytes = {};
  const first = async (path, button, screen) => {
    const times = [];
    for (let count = 0; count < world.times; count += 1) {
      // A context of its own has nothing kept.
      const stranger = await world.person(`stranger-${count}`, screen);
      await slow(stranger);
      const seen = await noted(stranger.page, `button:${button}`, async () => stranger.page.goto(`${world.gateway}${path}`));
      times.push(seen);
      bytes[path] = await stranger.page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0));
      await stranger.leave();
    }
    return times;
  };
  const watchFirst = await first('/watch', 'Show a short code', WATCH);
  const consoleFirst = await first('/console', 'Sign in at', { schemes: ['light'] });

  const ada = await world.person('ada');
  const watch = await world.person('ada-watch', WATCH);
  await signIn(ada);
  await join(ada, watch);
  await slow(watch);
  const answered = [];
  for (let count = 0; count < world.times; count += 1) {
    answered.push(await noted(watch.page, 'answer', async () => {
      await watch.page.goto(`${world.gateway}/watch`);
      await isIn(watch);
      // As fast as anybody can: a phrase is tapped as soon as it is there.
      await watch.page.evaluate((question) => {
        const field = document.getElementById('question');
        field.value = question;
        field.form.requestSubmit();
      }, QUESTION);
    }));
  }
  return { watch_first_screen: watchFirst, console_first_screen: consoleFirst, watch_first_answer: answered, bytes, cpu_throttling: THROTTLING };
}

async function slow({ page, context }) {
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLING });
}

/** Milliseconds from the page's beginning until that is there, by the page's own clock. */
async function noted(page, what, work) {
  await page.addInitScript(() => {
    const look = () => {
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => /^(Show a short code|Sign in at)/.test(textContent));
      if (button) globalThis.seenButton ??= performance.now();
      if (document.querySelector('.answer .said')) globalThis.seenAnswer ??= performance.now();
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true });
  });
  await work();
  const name = what === 'answer' ? 'seenAnswer' : 'seenButton';
  await page.waitForFunction((seen) => globalThis[seen] !== undefined, name);
  return page.evaluate((seen) => globalThis[seen], name);
}
