// A judgement in words: what the gate would do, by which rule, and for what reason.

const ALL_REFUSED = 'With any mistake in its configuration the gate answers every request with 503.';

const FIELDS = { rules: 'Rules', url: 'URL', headers: 'Headers', keys: 'Keys', now: 'Arrives at' };

/** `{kind, title, reason}`; kind is `permit`, `denial`, `answer` or `none`. */
export function verdictOf({ mistakes, errors, report }) {
  if (mistakes.length > 0) {
    const count = mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`;
    return { kind: 'denial', title: `Denied with 503: ${count} in the rules`, reason: ALL_REFUSED };
  }
  if (errors.length > 0 || !report) {
    return { kind: 'none', title: 'Nothing to judge yet', reason: errors.map(({ field, what }) => `${FIELDS[field] ?? field}: ${what}.`).join(' ') };
  }
  const { verdict } = report;
  switch (verdict.decision) {
    case 'permit': return { kind: 'permit', title: `Passes by rule ${verdict.rule}`, reason: '' };
    case 'denial': return { kind: 'denial', title: `Denied with ${verdict.status}`, reason: sentence(verdict.reason) };
    case 'own_answer': return { kind: 'answer', title: `Answered with ${verdict.status} by the gate itself`, reason: 'This is the metadata of the resource (RFC 9728).' };
    default: return { kind: 'none', title: `An unknown decision: ${verdict.decision}`, reason: '' };
  }
}

/** A cause as the gate says it, as a sentence. */
export const sentence = (text) => (text === '' ? '' : `${text[0].toUpperCase()}${text.slice(1)}.`);

/** A condition as the rule writes it, and whether it speaks for the rule. */
const conditionOf = ({ condition, holds, negated }) => ({ text: `${negated ? '!' : ''}${condition}`, holds: holds !== negated });

/**
 * What became of each rule, in order: `{name, kind, outcome, conditions, requirements}`. kind is `decides`, `refuses`, `passed-over` or
 * `not-tried`; a condition is `{text, holds}`, where `holds` is how it stands with its `!`.
 */
export function rulesOf({ rules }, { decision }) {
  return rules.map(({ name, matches, public: isPublic, conditions, requirements }) => {
    const common = { name, conditions: conditions.map(conditionOf), requirements: requirements.map(conditionOf) };
    if (matches === null) return { ...common, kind: 'not-tried', outcome: 'not tried: a rule before it decides' };
    if (!matches) return { ...common, kind: 'passed-over', outcome: 'does not match' };
    if (decision === 'permit') return { ...common, kind: 'decides', outcome: isPublic ? 'matches, and lets anybody pass' : 'matches, and decides' };
    return { ...common, kind: 'refuses', outcome: 'matches, and decides' };
  });
}

const CHECKS = { passed: 'passed', failed: 'failed', not_reached: 'not reached', assumed: 'not checked, taken for good' };

/** The checks of a token by what came of them, in the order in which a reader asks: `[{outcome, names}]`. */
export function checksOf({ checks }) {
  return ['failed', 'assumed', 'passed', 'not_reached']
    .map((outcome) => ({ kind: outcome, outcome: CHECKS[outcome], names: checks.filter((check) => check.outcome === outcome).map(({ name }) => name) }))
    .filter(({ names }) => names.length > 0);
}

/** What goes on to whoever stands behind the gate: the event's tags (CloudEvents), and all else. */
export function forwardedOf({ set }) {
  const isTag = ({ name }) => /^(ce-|traceparent$)/i.test(name);
  const shown = ({ name, value }) => ({ name, value: value ?? 'a token, which is not shown' });
  return { tags: set.filter(isTag).map(shown), others: set.filter((header) => !isTag(header)).map(shown) };
}

/** Times in a token, which are seconds since 1970, as people read them. */
export function claimText(name, value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const isTime = ['exp', 'nbf', 'iat', 'auth_time'].includes(name) && Number.isFinite(value) && Math.abs(value) < 8.64e12;
  return isTime ? `${text} (${new Date(value * 1000).toISOString().replace('.000Z', 'Z')})` : text;
}

/** Where a line begins and ends in a text; lines count from 1. */
export function lineAt(text, line) {
  const lines = text.split('\n');
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  const start = lines.slice(0, index).reduce((sum, before) => sum + before.length + 1, 0);
  return { start, end: start + lines[index].length };
}
