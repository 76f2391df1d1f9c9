// The gate in this page. It is the one that runs inside Traefik, compiled for browsers; what is put to it goes nowhere else.

/**
 * Loads it. `bound` and `module` are for whoever has it elsewhere than beside the pages. Gives
 * - `shipped`: the rules that the product ships;
 * - `judge(question)`: what the gate would answer to `{rules, middleware, method, url, source, headers, token, keys, at}`, `at` in
 *   milliseconds since 1970:
 *   `{gates, mistakes: [{line, place, what}], errors: [{field, what}], notes, is_signature_assumed, claims, report}`.
 *   `report` is what `watchgate policy explain --json` prints; it is absent where there is nothing to judge.
 */
export async function load({ bound = () => import('../playground/bound.js'), module = new URL('../playground/bound_bg.wasm', import.meta.url) } = {}) {
  const { default: initialise, judge, shipped, __wbg_reset_state: beginAnew } = await bound();
  await initialise({ module_or_path: module });
  return {
    shipped: shipped(),
    judge({ rules, token, at, ...request }) {
      // The gate signs what it would forward with a key of its own; nobody sees that, and each has its own.
      const secret = crypto.getRandomValues(new Uint8Array(32));
      try {
        return JSON.parse(judge(rules, JSON.stringify(request), token, at / 1000, secret));
      } catch (fault) {
        beginAnew();
        throw fault;
      }
    },
  };
}
