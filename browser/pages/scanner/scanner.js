// Reads codes out of pictures where the browser cannot do it itself. The decoder takes 90 kB and is loaded only then.

/**
 * Loads the decoder and gives `scan(imageData)`: the text of a code in the picture, or null. `bound` and `module` are for whoever
 * has the decoder elsewhere than beside this file.
 */
export default async function load({ bound = () => import('./bound.js'), module = new URL('./bound_bg.wasm', import.meta.url) } = {}) {
  const { default: initialise, scan, __wbg_reset_state: beginAnew } = await bound();
  await initialise({ module_or_path: module });
  return ({ width, height, data }) => {
    try {
      return scan(width, height, data) ?? null;
    } catch {
      // Some pictures make the decoder give up on itself (rqrr issue 54). The next one is as good as any, for a decoder that begins anew.
      beginAnew();
      return null;
    }
  };
}
