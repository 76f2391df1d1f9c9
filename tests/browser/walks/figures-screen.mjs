// How soon pages are of use, with a processor of a quarter of this one's speed.

import { signIn } from '../console.mjs';
import { join } from '../joining.mjs';
import { WATCH, isIn } from '../watch.mjs';

const THROTTLING = 4;
const QUESTION = 'How do I restart a worker?';

export default async function walk(world) {
  const first = async (path, screen) => {
    const [times, kilobytes] = [[], []];
    for (let count = 0; count < world.times; count += 1) {
      // A context of its own has nothing kept.
      const stranger = await world.person(`stranger-${count}`, screen);
      await slow(stranger);
      times.push(await noted(stranger, 'seenButton', () => stranger.page.goto(`${world.gateway}${path}`)));
      kilobytes.push(await stranger.page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) / 1_000));
      await stranger.leave();
    }
    return { times, kilobytes };
  };
  const watchFirst = await first('/watch', WATCH);
  const consoleFirst = await first('/console', { schemes: ['light'] });

  const ada = await world.person('ada');
  const watch = await world.person('ada-watch', WATCH);
  await signIn(ada);
  await join(ada, watch);
  await slow(watch);
  const answered = [];
  for (let count = 0; count < world.times; count += 1) {
    answered.push(await noted(watch, 'seenAnswer', async () => {
      await watch.page.goto(`${world.gateway}/watch`);
      await isIn(watch);
      await watch.page.locator('#question').waitFor();
      // Faster than anybody can type.
      await watch.page.evaluate((question) => {
        const field = document.getElementById('question');
        field.value = question;
        field.form.requestSubmit();
      }, QUESTION);
    }));
  }
  return {
    watch_first_screen: watchFirst.times, console_first_screen: consoleFirst.times, watch_first_answer: answered,
    watch_first_kilobytes: watchFirst.kilobytes, console_first_kilobytes: consoleFirst.kilobytes, cpu_throttling: THROTTLING,
  };
}

/** Slows this person's processor down, and has their pages note when something is first there, by their own clock. */
async function slow({ page, context }) {
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLING });
  await page.addInitScript(() => {
    const look = () => {
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => /^(Show a short code|Sign in at)/.test(textContent));
      if (button) globalThis.seenButton ??= performance.now();
      if (document.querySelector('.answer .said')) globalThis.seenAnswer ??= performance.now();
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true });
  });
}

/** Milliseconds from the page's beginning until that was there. */
async function noted({ page }, what, work) {
  await work();
  await page.waitForFunction((name) => globalThis[name] !== undefined, what);
  return page.evaluate((name) => globalThis[name], what);
}
