// What went wrong, in a form that a page can show: what the server said (RFC 9457, or RFC 6749 where it speaks OAuth), or that nobody
// was reached.

/**
 * `status` is 0 where no answer came; `kind` is the last part of the problem's type or OAuth's `error`; `scope` is what the gate would want to
 * see in the token (RFC 6750, section 3).
 */
export class Problem extends Error {
  constructor({ status, kind = '', title, detail = '', errors = [], retryAfterSeconds = null, scope = '' }) {
    super(detail || title);
    this.name = 'Problem';
    Object.assign(this, { status, kind, title, detail, errors, retryAfterSeconds, scope });
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** No answer: the line, the server, or time. */
export const unreachable = (cause) =>
  new Problem({ status: 0, kind: cause?.name === 'TimeoutError' ? 'timed-out' : 'unreachable', title: 'The gateway cannot be reached' });

/** Reads an answer that is none. */
export async function problemOf(response) {
  const text = await response.text().catch(() => '');
  const after = Number(response.headers.get('retry-after'));
  const [, scope = ''] = /error="insufficient_scope".*?scope="([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '') ?? [];
  const common = { status: response.status, retryAfterSeconds: Number.isFinite(after) && after > 0 ? after : null, scope };
  try {
    const body = JSON.parse(text);
    if (typeof body.error === 'string') {
      return new Problem({ ...common, kind: body.error, title: body.error, detail: body.error_description ?? '' });
    }
    const kind = String(body.type ?? '').split(/[/:#]/).pop();
    const { title = `HTTP ${response.status}`, detail = '', errors = [] } = body;
    return new Problem({ ...common, kind, title, detail, errors });
  } catch {
    return new Problem({ ...common, title: `HTTP ${response.status}` });
  }
}
