// Which pages these are. The build puts another text here as soon as any file of the pages is another one (`browser/build.rs`).

export const VERSION = '__PAGES_VERSION__';

/**
 * Whether the gateway serves other pages than these by now; false where it does not say. Modules of two versions do not fit together, and those
 * that are loaded already stay until the page is loaded anew.
 */
export async function isOther(version = VERSION, transport = (...call) => fetch(...call)) {
  try {
    const response = await transport('/assets/console/version.js', { cache: 'no-cache', credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(10_000) });
    return response.ok && !(await response.text()).includes(`'${version}'`);
  } catch {
    return false;
  }
}
