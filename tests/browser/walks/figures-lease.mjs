// Approves what comes, one after the other, with a processor of a quarter of this one's speed; says when each was tapped.

import { signIn } from '../console.mjs';
import { join } from '../joining.mjs';
import { WATCH, go } from '../watch.mjs';

const THROTTLING = 4;

export default async function walk(world) {
  const ada = await world.person('ada');
  const watch = await world.person('ada-watch', WATCH);
  const { page, context } = watch;
  await signIn(ada);
  await join(ada, watch);
  await go(watch, 'Alerts');
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: THROTTLING });
  const taps = [];
  for (let count = 0; count < world.times; count += 1) {
    const approve = page.locator('article.command[aria-label^="Approve"] button[data-control="approve"]:enabled').first();
    let tap = null;
    // A button that has moved cannot be pressed for half a second: nothing was tapped then.
    while (tap === null) tap = await approve.evaluate((button) => {
      if (button.disabled) return null;
      const { key: id } = button.closest('[data-key]').dataset;
      const at = performance.timeOrigin + performance.now();
      button.click();
      return { id, at };
    });
    taps.push(tap);
    // The next one may stand there already. What is not answered yet would not go out any more when the browser is closed.
    await page.locator(`[data-key="${tap.id}"]`).getByText('Approved', { exact: true }).first().waitFor();
  }
  return { taps, cpu_throttling: THROTTLING };
}
