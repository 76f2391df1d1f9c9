// Reads codes out of pictures where the browser cannot do it itself. The decoder takes 90 kB and is loaded only then.

/**
 * Loads the decoder and gives `scan(imageData)`: the text of a code in the picture, or null. `bound` and `module` are for whoever
 * has the decoder elsewhere than beside this file.
 */
export default async function load({ bound = () => import('./bound.js'), module = new URL('./bound_bg.wasm', import.meta.url) } = {}) {
  const { default: initialise, scan } = await bound();
  await initialise({ module_or_path: module });
  return ({ width, height, data }) => scan(width, height, data) ?? null;
}
