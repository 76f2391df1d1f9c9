import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import load from '../../../browser/pages/scanner/scanner.js';

const folder = new URL('../../../dist/pages/scanner/', import.meta.url);
assert.ok(existsSync(folder), 'there is no dist/pages/scanner: run make pages first');

const scan = await load({ bound: () => import(new URL('bound.js', folder)), module: readFileSync(new URL('bound_bg.wasm', folder)) });

const LINK = 'https://gw.example.com/watch#a1';
const CODE = `
#######.###..##...#######
#.....#......#....#.....#
#.###.#..#.#####..#.###.#
#.###.#..##.#####.#.###.#
#.###.#..##.###.#.#.###.#
#.....#...#####.#.#.....#
#######.#.#.#.#.#.#######
........#.#.###..........
##.##.#..####.##..#.....#
#.##.#..####..##.#.#####.
..#..##.#.##.####.##.#..#
..##.#...##.#.#....#.####
##..######.##...####....#
#.#.#....#.#..###...#..#.
###..##..##.#.##.#..#####
#..###.##.#.....#..#.##.#
#..#..##.#.#.#.######.##.
........##...#..#...#.##.
#######..###.#..#.#.#...#
#.....#..#..##.##...#..#.
#.###.#.#.#.#..######..#.
#.###.#.#..#.##.###....##
#.###.#...##.#.###..#####
#.....#.#.....##..###.###
#######.#..#....#.#..#..#
`.trim().split('\n');

/** The code as a canvas would hold it, with white around it. */
function picture({ module = 5, dark = [20, 20, 60], light = [240, 235, 230] } = {}) {
  const side = (CODE.length + 8) * module;
  const data = new Uint8ClampedArray(side * side * 4);
  for (let index = 0; index < side * side; index += 1) {
    const row = CODE[Math.floor(index / side / module) - 4];
    const isDark = row?.[Math.floor((index % side) / module) - 4] === '#';
    data.set([...isDark ? dark : light, 255], index * 4);
  }
  return { width: side, height: side, data };
}

test('a code in a picture is read', () => {
  assert.equal(scan(picture()), LINK);
  assert.equal(scan(picture({ module: 3, dark: [255, 255, 255], light: [0, 0, 0] })), LINK, 'light on dark');
});

test('where there is none, there is none, and the next picture is looked at all the same', () => {
  const { width, height, data } = picture();
  assert.equal(scan({ width, height, data: new Uint8ClampedArray(data.length).fill(200) }), null);
  assert.equal(scan({ width, height: height + 1, data }), null, 'a picture of another size than it says');
  assert.equal(scan({ width: 0, height: 0, data: new Uint8ClampedArray(0) }), null);
  for (let round = 0; round < 50; round += 1) assert.equal(scan({ width, height, data }), LINK);
});

test('a picture that the decoder gives up on is one without a code, and the next one is read by another decoder', async () => {
  const real = await import(new URL('bound.js', folder));
  let givesUp = true;
  let begun = 0;
  const bound = async () => ({
    ...real,
    default: real.default,
    scan: (...of) => {
      if (!givesUp) return real.scan(...of);
      givesUp = false;
      throw new WebAssembly.RuntimeError('unreachable');
    },
    __wbg_reset_state: () => { begun += 1; real.__wbg_reset_state(); },
  });
  const careful = await load({ bound, module: readFileSync(new URL('bound_bg.wasm', folder)) });
  assert.equal(careful(picture()), null);
  assert.equal(begun, 1);
  assert.equal(careful(picture()), LINK);
});
