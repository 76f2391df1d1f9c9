// Reads codes out of pictures where the browser cannot do it itself. The decoder is 90 kB and is loaded with the first picture alone.

import initialise, { scan } from './bound.js';

/**
 * Loads the decoder and gives `scan(imageData)`: the text of a code in the picture, or null. `source` is for who has the module
 * already; else it comes from beside this file.
 */
export default async function load(source = new URL('./bound_bg.wasm', import.meta.url)) {
  await initialise({ module_or_path: source });
  return ({ width, height, data }) => scan(width, height, data) ?? null;
}
