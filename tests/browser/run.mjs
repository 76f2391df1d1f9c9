// Plays one walk over the pages in a real Chromium.
//
//   node run.mjs <walk>
//
// The world comes as JSON on the standard input: where the gateway and the identity provider are, their certificates, and what the walk needs
// besides. What was measured goes as one line of JSON to the standard output, and everything else to the standard error. It ends with 1 when a
// step fails, or when a page does what no page may: an error, a violation of its policy, a request to somebody else.

import { text } from 'node:stream/consumers';

import { World } from './world.mjs';

const [name] = process.argv.slice(2);
const { default: walk } = await import(`./walks/${name}.mjs`);
const world = await World.open(JSON.parse(await text(process.stdin)));
try {
  const figures = await walk(world);
  world.check();
  console.log(JSON.stringify(figures ?? {}));
} catch (error) {
  console.error(error);
  await world.lookAtAll();
  process.exitCode = 1;
} finally {
  await world.close();
}
